using RabbitArq.Jobs;
using RabbitArq.Messages;
using RabbitArq.Retries;

namespace RabbitArq.Execution;

/// <summary>How a run ended. Every run ends in exactly one; the settler turns it into broker verbs.</summary>
internal abstract record JobOutcome
{
    private JobOutcome()
    {
    }

    /// <summary>The body returned.</summary>
    /// <param name="Result">The result as JSON; empty: none.</param>
    public sealed record Succeeded(ReadOnlyMemory<byte> Result) : JobOutcome;

    /// <summary>It failed and is run again; counts as an attempt.</summary>
    public sealed record Retry(DateTimeOffset At, Exception Error, FailureCategory Category) : JobOutcome;

    /// <summary>It was not run because of a limit and comes back later; does not count as an attempt.</summary>
    public sealed record Snoozed(DateTimeOffset At) : JobOutcome;

    /// <summary>It failed for good, or cannot be run at all.</summary>
    public sealed record DeadLettered(DeadLetterReason Reason, Exception Error) : JobOutcome;

    /// <summary>It came after its expiry and was not run.</summary>
    public sealed record Expired(DateTimeOffset ExpiredAt) : JobOutcome;

    /// <summary>The worker shut down before it was done: handed back, the attempt not counted.</summary>
    public sealed record Interrupted : JobOutcome;
}

/// <summary>One run from start to end.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Envelope">The job; null when the message cannot be read.</param>
/// <param name="StartedAt">When it started.</param>
/// <param name="Duration">How long it ran.</param>
internal sealed record JobRun(JobOutcome Outcome, JobEnvelope? Envelope, DateTimeOffset StartedAt, TimeSpan Duration)
{
    public JobDefinition? Definition { get; init; }

    /// <summary>The body ignored its token and was abandoned.</summary>
    public bool Stuck { get; init; }
}
