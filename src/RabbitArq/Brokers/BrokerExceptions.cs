namespace RabbitArq.Brokers;

/// <summary>The base of what a broker can answer or fail with.</summary>
public class BrokerException : RabbitArqException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened and what to do.</param>
    /// <param name="innerException">The client library's exception, when there is one.</param>
    public BrokerException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>The broker could not be reached: nobody listens, the name does not resolve, TLS failed, or the time was up.</summary>
public sealed class BrokerUnreachableException(string message, Exception? innerException = null) : BrokerException(message, innerException);

/// <summary>The broker refused the user name or password.</summary>
public sealed class BrokerAuthenticationException(string message, Exception? innerException = null) : BrokerException(message, innerException);

/// <summary>The virtual host does not exist, or the user may not use it, or lacks a permission.</summary>
public sealed class BrokerAccessException(string message, Exception? innerException = null) : BrokerException(message, innerException);

/// <summary>The URL's scheme is not known, its package is missing, or the URL cannot be read.</summary>
public sealed class BrokerUrlException(string message, Exception? innerException = null) : BrokerException(message, innerException);

/// <summary>A queue that must exist does not.</summary>
public sealed class QueueNotFoundException(string queueName, string message, Exception? innerException = null)
    : BrokerException(message, innerException)
{
    /// <summary>The queue.</summary>
    public string QueueName { get; } = queueName;
}

/// <summary>The base of the ways in which a publish can fail. <see cref="MayHaveArrived"/> says whether a copy may exist.</summary>
public abstract class PublishException : BrokerException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="request">What was published.</param>
    /// <param name="message">What happened and what to do.</param>
    /// <param name="innerException">The client library's exception, when there is one.</param>
    protected PublishException(PublishRequest request, string message, Exception? innerException = null)
        : base(message, innerException) => Request = request;

    /// <summary>What was published. Publishing it again keeps its message id.</summary>
    public PublishRequest Request { get; }

    /// <summary>Whether the broker may have taken the message all the same.</summary>
    public virtual bool MayHaveArrived => false;
}

/// <summary>No queue took the message (AMQP <c>basic.return</c>).</summary>
public sealed class UnroutableException(PublishRequest request, string message, Exception? innerException = null)
    : PublishException(request, message, innerException);

/// <summary>The broker refused the message (AMQP <c>basic.nack</c>), mostly because a queue is full and rejects publishes.</summary>
public sealed class PublishRefusedException(PublishRequest request, string message, Exception? innerException = null)
    : PublishException(request, message, innerException);

/// <summary>The broker blocks publishers: a memory or disk alarm.</summary>
public sealed class BrokerBlockedException(PublishRequest request, string message, bool mayHaveArrived = false, Exception? innerException = null)
    : PublishException(request, message, innerException)
{
    /// <inheritdoc/>
    public override bool MayHaveArrived { get; } = mayHaveArrived;
}

/// <summary>The body is above the broker's limit.</summary>
public sealed class MessageTooLargeException(PublishRequest request, string message, Exception? innerException = null)
    : PublishException(request, message, innerException);

/// <summary>The connection was lost, or the time was up, before the broker answered.</summary>
public sealed class PublishUnconfirmedException(PublishRequest request, string message, Exception? innerException = null)
    : PublishException(request, message, innerException)
{
    /// <inheritdoc/>
    public override bool MayHaveArrived => true;
}
