using RabbitArq.Brokers;
using RabbitArq.Results;
using RabbitArq.Sqlite.Engine;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Results;

/// <summary>Opens result stores in SQLite files: the embedded broker's own file, or one of its own.</summary>
public sealed class SqliteResultStoreFactory : IResultStoreFactory
{
    /// <inheritdoc/>
    public IReadOnlyCollection<string> Schemes { get; } = ["sqlite"];

    /// <inheritdoc/>
    public async Task<IResultStore> OpenAsync(string url, TimeProvider timeProvider, CancellationToken cancellationToken = default)
    {
        var options = new BrokerOptions { Url = url, TimeProvider = timeProvider };
        return new SqliteResultStore(await StoreRegistry.AcquireAsync(StoreLocation.Parse(url), options, cancellationToken).ConfigureAwait(false));
    }
}

/// <summary>
/// Records in the same file, and so in the same transactions, as the embedded broker's messages: records that are saved
/// while others are acknowledged share one commit.
/// </summary>
internal sealed class SqliteResultStore(EmbeddedStore store) : IResultStore
{
    private int _disposed;

    public async ValueTask SaveAsync(JobRecord record, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        await store.AskAsync(
            asked =>
            {
                asked.Results.Save(record, asked.NowMilliseconds());
                return true;
            },
            cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<JobRecord?> FindAsync(string jobId, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return await store.AskAsync(
            asked => asked.Results.Find(jobId, asked.NowMilliseconds()), reading: true, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await StoreRegistry.ReleaseAsync(store).ConfigureAwait(false);
        }
    }
}
