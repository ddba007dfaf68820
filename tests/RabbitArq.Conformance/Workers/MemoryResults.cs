using System.Collections.Concurrent;
using RabbitArq.Results;

namespace RabbitArq.Conformance.Workers;

/// <summary>A result store of one test, so that results are tested alike on brokers with and without a store of their own.</summary>
public sealed class MemoryResults : IResultStoreFactory, IResultStore
{
    private readonly ConcurrentDictionary<string, JobRecord> _records = new();

    /// <summary>Its URL.</summary>
    public const string Url = "test-results:";

    /// <summary>Makes the next saves fail; null: they succeed.</summary>
    public Exception? Failure { get; set; }

    /// <summary>How often a save was asked for.</summary>
    public int Saves { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Schemes { get; } = ["test-results"];

    /// <inheritdoc/>
    public Task<IResultStore> OpenAsync(string url, TimeProvider timeProvider, CancellationToken cancellationToken = default) =>
        Task.FromResult<IResultStore>(this);

    /// <inheritdoc/>
    public ValueTask SaveAsync(JobRecord record, CancellationToken cancellationToken = default)
    {
        lock (_records)
        {
            Saves++;
        }

        if (Failure is { } failure)
        {
            return ValueTask.FromException(failure);
        }

        _records.AddOrUpdate(record.JobId, record, (_, before) => before.Attempt > record.Attempt ? before : record);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<JobRecord?> FindAsync(string jobId, CancellationToken cancellationToken = default) => new(_records.GetValueOrDefault(jobId));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
