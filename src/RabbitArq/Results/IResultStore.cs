namespace RabbitArq.Results;

/// <summary>Where the records of jobs are kept. Thread-safe; implementations batch what is saved concurrently.</summary>
public interface IResultStore : IAsyncDisposable
{
    /// <summary>
    /// Saves a record over an older one of the same job. A record of an earlier attempt, or of an earlier state of the same
    /// attempt, never replaces a later one.
    /// </summary>
    /// <param name="record">The record.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A task that ends when it is stored.</returns>
    ValueTask SaveAsync(JobRecord record, CancellationToken cancellationToken = default);

    /// <summary>Finds a record.</summary>
    /// <param name="jobId">The job's id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The record; null when there is none or it has expired.</returns>
    ValueTask<JobRecord?> FindAsync(string jobId, CancellationToken cancellationToken = default);
}

/// <summary>Opens result stores for some URL schemes.</summary>
public interface IResultStoreFactory
{
    /// <summary>The URL schemes it opens, lower case, without the colon.</summary>
    IReadOnlyCollection<string> Schemes { get; }

    /// <summary>Opens a store.</summary>
    /// <param name="url">Its URL.</param>
    /// <param name="timeProvider">The clock, for expiry.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The store.</returns>
    Task<IResultStore> OpenAsync(string url, TimeProvider timeProvider, CancellationToken cancellationToken = default);
}

/// <summary>How far a job has come, in the words of rabbitmq-arq.</summary>
public enum JobStatus
{
    /// <summary>It waits in a queue, or for its due time.</summary>
    Queued,

    /// <summary>It runs.</summary>
    InProgress,

    /// <summary>It has run and succeeded.</summary>
    Completed,

    /// <summary>It was dead-lettered.</summary>
    Failed,

    /// <summary>It failed and waits to be run again.</summary>
    Retrying,

    /// <summary>It was stopped on request.</summary>
    Aborted,

    /// <summary>It came too late to be run.</summary>
    Expired,
}

/// <summary>What is kept of a job.</summary>
public sealed record JobRecord
{
    /// <summary>The job's id.</summary>
    public required string JobId { get; init; }

    /// <summary>How far it has come.</summary>
    public required JobStatus Status { get; init; }

    /// <summary>Its wire name.</summary>
    public required string Function { get; init; }

    /// <summary>Its queue.</summary>
    public required string QueueName { get; init; }

    /// <summary>The attempt that the record tells of, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The result as UTF-8 JSON; empty: none.</summary>
    public ReadOnlyMemory<byte> Result { get; init; }

    /// <summary>The error of the last failed attempt, as <c>Type: message</c>.</summary>
    public string? Error { get; init; }

    /// <summary>Positional arguments as JSON.</summary>
    public ReadOnlyMemory<byte> Args { get; init; }

    /// <summary>Named arguments as JSON.</summary>
    public ReadOnlyMemory<byte> Kwargs { get; init; }

    /// <summary>The worker's id; null before a worker had it.</summary>
    public string? WorkerId { get; init; }

    /// <summary>When the job was enqueued.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the attempt started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the attempt ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>After this instant the store forgets the record; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How far it is, 0 to 1; null: it did not say.</summary>
    public double? Progress { get; init; }
}
