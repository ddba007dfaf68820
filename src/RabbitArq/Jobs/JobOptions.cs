using RabbitArq.Retries;

namespace RabbitArq;

/// <summary>What can be set for one job, over the worker's settings and under those of one enqueue.</summary>
public sealed class JobOptions
{
    /// <summary>How often a failed run is tried again; null: the worker's setting.</summary>
    public int? MaxRetries { get; set; }

    /// <summary>How long one attempt may run; null: the worker's setting.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>How many runs of this job one worker does at a time; null: the worker's limit.</summary>
    public int? MaxConcurrentJobs { get; set; }

    /// <summary>How many runs of this job one worker starts per second at most; null: no limit.</summary>
    public double? MaxPerSecond { get; set; }

    /// <summary>Whether results of this job are stored; null: the worker's setting.</summary>
    public bool? StoreResult { get; set; }

    /// <summary>How long to wait before each retry; null: the worker's backoff.</summary>
    public Backoff? Backoff { get; set; }

    /// <summary>Which exceptions are tried again, asked before the worker's rules.</summary>
    public FailureRules Failures { get; } = new();
}
