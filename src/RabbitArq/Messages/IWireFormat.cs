namespace RabbitArq.Messages;

/// <summary>How a job is written into a message and read back. Stateless; keeps what it does not know.</summary>
internal interface IWireFormat
{
    /// <summary>Its name in settings: <c>arq</c>.</summary>
    string Name { get; }

    /// <summary>Whether a message looks like one of this format. Cheap; a true answer may still fail to decode.</summary>
    /// <param name="message">The message.</param>
    /// <returns>Whether <see cref="Decode"/> should be tried.</returns>
    bool Recognises(BrokerMessage message);

    /// <summary>Reads a message.</summary>
    /// <param name="message">The message.</param>
    /// <returns>The job.</returns>
    /// <exception cref="UnreadableMessageException">It is not of this format; says where and why.</exception>
    JobEnvelope Decode(BrokerMessage message);

    /// <summary>Writes a job.</summary>
    /// <param name="envelope">The job.</param>
    /// <returns>The message, with AMQP properties set.</returns>
    BrokerMessage Encode(JobEnvelope envelope);
}
