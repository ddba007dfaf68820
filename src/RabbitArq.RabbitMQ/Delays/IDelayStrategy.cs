namespace RabbitArq.RabbitMQ.Delays;

/// <summary>
/// Where a message with a due time is published. Only the publisher asks, so that client, retry and schedule share it.
/// </summary>
internal interface IDelayStrategy
{
    /// <summary>Whether <see cref="Route"/> may be used for this queue and wait without asking the broker first. Fast; any thread.</summary>
    bool IsPrepared(string queueName, TimeSpan wait);

    /// <summary>Makes the broker have what the wait needs, and routes its end to the queue.</summary>
    /// <exception cref="QueueNotFoundException">The queue does not exist.</exception>
    /// <exception cref="BrokerException">Refused, or not answered in time.</exception>
    Task PrepareAsync(string queueName, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>Exchange and routing key that hold a message back for the wait and then hand it to the queue.</summary>
    (string Exchange, string RoutingKey) Route(string queueName, TimeSpan wait);

    /// <summary>Forgets that a queue is routed to: it was deleted or made anew.</summary>
    void Forget(string queueName);
}
