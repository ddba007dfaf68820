namespace RabbitArq;

/// <summary>What a worker has done, when it has ended.</summary>
public sealed record WorkerSummary
{
    /// <summary>The worker's name.</summary>
    public required string WorkerName { get; init; }

    /// <summary>How long it ran.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Runs that succeeded.</summary>
    public long Completed { get; init; }

    /// <summary>Jobs that were dead-lettered.</summary>
    public long Failed { get; init; }

    /// <summary>Runs that failed and were scheduled again.</summary>
    public long Retried { get; init; }

    /// <summary>Jobs that had expired and were not run.</summary>
    public long Expired { get; init; }

    /// <summary>Runs that the shutdown interrupted; their jobs were handed back, the attempt not counted.</summary>
    public long Interrupted { get; init; }

    /// <summary>Runs that ignored their cancellation and were abandoned.</summary>
    public long Stuck { get; init; }

    /// <summary>Jobs that still ran when the worker gave up waiting; they are handed back too.</summary>
    public int Running { get; init; }

    /// <summary>Hooks that failed after their job was done.</summary>
    public long HookFailures { get; init; }

    /// <summary>Whether a burst was stopped by its timeout with work left.</summary>
    public bool BurstTimedOut { get; init; }

    /// <summary>The same by job name.</summary>
    public IReadOnlyDictionary<string, JobSummary> Jobs { get; init; } = new Dictionary<string, JobSummary>();
}

/// <summary>What a worker has done of one job name.</summary>
/// <param name="Completed">Runs that succeeded.</param>
/// <param name="Failed">Jobs that were dead-lettered.</param>
/// <param name="Retried">Runs that failed and were scheduled again.</param>
/// <param name="P50">Half of the runs took at most this long (at most 12.5 % above the truth).</param>
/// <param name="P95">95 % of the runs took at most this long.</param>
/// <param name="P99">99 % of the runs took at most this long.</param>
/// <param name="Max">The longest run.</param>
public sealed record JobSummary(long Completed, long Failed, long Retried, TimeSpan P50, TimeSpan P95, TimeSpan P99, TimeSpan Max);

/// <summary>A running worker at one moment.</summary>
/// <param name="Completed">Runs that succeeded.</param>
/// <param name="Failed">Jobs that were dead-lettered.</param>
/// <param name="Retried">Runs that failed and were scheduled again.</param>
/// <param name="Running">Jobs that run now.</param>
/// <param name="Settled">Deliveries done with; a retry is another delivery.</param>
/// <param name="Total">Deliveries in all, as a burst saw them when it looked last; null: not looked yet.</param>
internal sealed record WorkerProgress(long Completed, long Failed, long Retried, int Running, long Settled, long? Total);
