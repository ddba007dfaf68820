using RabbitArq.Localization;

namespace RabbitArq;

/// <summary>Thrown by a job to be run again: after <see cref="Defer"/>, or after the job's backoff. Counts as an attempt.</summary>
public sealed class RetryException : RabbitArqException
{
    /// <summary>Asks for another run.</summary>
    /// <param name="defer">How long to wait; null: the job's backoff.</param>
    /// <param name="reason">Why, for log and dead letter.</param>
    public RetryException(TimeSpan? defer = null, string? reason = null)
        : base(reason ?? Texts.RetryRequested()) => Defer = defer;

    /// <summary>How long to wait; null: the job's backoff.</summary>
    public TimeSpan? Defer { get; }
}

/// <summary>A job failed at its last attempt. The cause is the inner exception.</summary>
public sealed class MaxRetriesExceededException : RabbitArqException
{
    internal MaxRetriesExceededException(int attempts, Exception cause)
        : base(Texts.MaxRetriesExceeded(attempts, cause.GetType().Name, cause.Message), cause) => Attempts = attempts;

    /// <summary>How often the job was run.</summary>
    public int Attempts { get; }
}
