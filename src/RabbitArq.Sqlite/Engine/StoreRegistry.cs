using RabbitArq.Brokers;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// The stores that this process has open. Brokers opened on the same file share one, and with it the thread and its
/// transactions; a broker in memory lives for as long as somebody has it open.
/// </summary>
internal static class StoreRegistry
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<object, Entry> Open = [];

    /// <summary>Opens a store, or joins the one that is open. Each call is matched by one of <see cref="ReleaseAsync"/>.</summary>
    public static async Task<EmbeddedStore> AcquireAsync(StoreLocation location, BrokerOptions options, CancellationToken cancellationToken)
    {
        // A file may be open under two clocks: two stores on one file are two nodes, as if in two processes.
        object key = location.IsMemory ? location.Url : (location.Url, options.TimeProvider);
        Entry entry;
        lock (Gate)
        {
            if (!Open.TryGetValue(key, out entry!))
            {
                var store = new EmbeddedStore(location, options);
                entry = new Entry(key, store, store.OpenAsync());
                Open.Add(key, entry);
            }

            entry.Users++;
        }

        try
        {
            await entry.Opened.WaitAsync(cancellationToken).ConfigureAwait(false);
            return entry.Store;
        }
        catch
        {
            await ReleaseAsync(entry.Store).ConfigureAwait(false);
            throw;
        }
    }

    public static async Task ReleaseAsync(EmbeddedStore store)
    {
        lock (Gate)
        {
            var entry = Open.Values.First(candidate => ReferenceEquals(candidate.Store, store));
            if (--entry.Users > 0)
            {
                return;
            }

            Open.Remove(entry.Key);
        }

        await store.CloseAsync().ConfigureAwait(false);
    }

    private sealed class Entry(object key, EmbeddedStore store, Task opened)
    {
        public object Key => key;

        public EmbeddedStore Store => store;

        public Task Opened => opened;

        public int Users { get; set; }
    }
}
