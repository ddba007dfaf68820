using System.Collections.Concurrent;
using RabbitArq.Brokers;
using RabbitArq.Routing;
using RabbitArq.Sqlite.Engine;
using RabbitArq.Sqlite.Localization;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite;

/// <summary>One session of the embedded broker: what a connection is to a server.</summary>
internal sealed class SqliteBroker(EmbeddedStore store, long sessionId, BrokerOptions options)
    : IBroker, IBrokerPublisher, IBrokerTopology, IBrokerInspector
{
    private const int LargestPrefetch = 2000;

    private readonly ConcurrentDictionary<SqliteConsumer, bool> _consumers = new();
    private int _disposed;

    public BrokerCapabilities Capabilities { get; } = new()
    {
        MaxBodyBytes = EmbeddedStore.MaxBodyBytes,
        SharedBetweenProcesses = !store.Location.IsMemory,
        PriorityQueueTypes = [QueueType.Quorum, QueueType.Classic],
        CountingQueueTypes = [QueueType.Quorum, QueueType.Classic],
        TellsUnacknowledged = true,
    };

    public IBrokerPublisher Publisher => this;

    public IBrokerTopology Topology => this;

    public IBrokerInspector Inspector => this;

    public ValueTask PublishAsync(PublishRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (Refuse(request) is { } refusal)
        {
            return ValueTask.FromException(refusal);
        }

        byte[] properties;
        try
        {
            properties = MessageCodec.Encode(request.Message, request.Exchange, request.RoutingKey);
        }
        catch (NotSupportedException failure)
        {
            return ValueTask.FromException(new ArgumentException(failure.Message, nameof(request), failure));
        }

        var operation = new PublishOperation(request, properties, store.Location.Display)
        {
            Deadline = store.Deadline(options.PublishTimeout),
        };
        if (cancellationToken.CanBeCanceled)
        {
            operation.CancelWith(cancellationToken);
        }

        store.Queue.Post(operation);
        return new ValueTask(operation.Confirmed);
    }

    public async Task<IBrokerConsumer> ConsumeAsync(ConsumerSpec spec, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ThrowIfDisposed();
        if (spec.PrefetchCount is < 1 or > LargestPrefetch)
        {
            throw new ArgumentOutOfRangeException(
                nameof(spec), spec.PrefetchCount, Texts.PrefetchOutOfRange(spec.PrefetchCount, LargestPrefetch));
        }

        SqliteConsumer? consumer = null;
        await store.AskAsync(
            execute: asked => asked.Nodes.AddConsumer(spec, asked.NodeId, sessionId),
            committed: added =>
            {
                consumer = new SqliteConsumer(store, added.Id, sessionId, added.Queue, spec);
                store.Consumers.Add(consumer);
            },
            cancellationToken: cancellationToken).ConfigureAwait(false);
        _consumers.TryAdd(consumer!, true);
        consumer!.Gone = () => _consumers.TryRemove(consumer, out _);
        return consumer;
    }

    public Task ApplyAsync(TopologyPlan plan, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ThrowIfDisposed();
        return store.AskAsync(
            asked =>
            {
                asked.Topology.Apply(plan, sessionId);
                return true;
            },
            cancellationToken: cancellationToken);
    }

    public Task DeleteQueueAsync(string queueName, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return store.AskAsync(
            asked =>
            {
                if (asked.Transaction.Topology.FindQueue(queueName) is { } queue)
                {
                    asked.Topology.RequireOwner(queue, sessionId);
                    asked.Topology.DeleteQueue(queue);
                }

                return true;
            },
            cancellationToken: cancellationToken);
    }

    public Task DeleteExchangeAsync(string exchangeName, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return store.AskAsync(
            asked =>
            {
                asked.Topology.DeleteExchange(exchangeName);
                return true;
            },
            cancellationToken: cancellationToken);
    }

    public Task<BrokerInfo> GetBrokerAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        var version = typeof(SqliteBroker).Assembly.GetName().Version?.ToString(3) ?? "0";
        return Task.FromResult(new BrokerInfo(
            "RabbitArq embedded broker", $"{version} (SQLite {SqliteDatabase.LibraryVersion})", store.Location.Url));
    }

    public Task<QueueInfo?> FindQueueAsync(string queueName, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return store.AskAsync(
            asked =>
            {
                if (asked.Transaction.Topology.FindQueue(queueName) is not { } queue)
                {
                    return null;
                }

                var (ready, delayed, unacked) = asked.Transaction.Counts(queue);
                return new QueueInfo(queueName, ready, asked.Nodes.CountConsumers(queue))
                {
                    MessagesDelayed = delayed,
                    MessagesUnacknowledged = unacked,
                };
            },
            reading: true,
            cancellationToken: cancellationToken);
    }

    public Task<long> PurgeAsync(string queueName, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return store.AskAsync(
            asked =>
            {
                var queue = asked.Transaction.Topology.FindQueue(queueName)
                    ?? throw new QueueNotFoundException(queueName, Texts.QueueMissing(queueName, store.Location.Display));
                asked.Topology.RequireOwner(queue, sessionId);
                return asked.Topology.Purge(queue);
            },
            cancellationToken: cancellationToken);
    }

    /// <summary>Ends the session: its consumers hand back what they hold, its exclusive queues go.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        try
        {
            foreach (var consumer in _consumers.Keys)
            {
                await consumer.DisposeAsync().ConfigureAwait(false);
            }

            await store.AskAsync(
                execute: asked =>
                {
                    asked.Nodes.RemoveSession(sessionId);
                    return true;
                },
                certain: true,
                committed: _ => store.Sessions.Remove(sessionId)).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is BrokerException or ObjectDisposedException)
        {
            // The file fails: what this process leaves there is taken back by others, or at the next start.
            StoreLog.Failed(store.Logger, store.Location.Display, failure.Message, failure);
        }
        finally
        {
            await StoreRegistry.ReleaseAsync(store).ConfigureAwait(false);
        }
    }

    /// <summary>What can be said of a publish without the store.</summary>
    private Exception? Refuse(PublishRequest request) =>
        Volatile.Read(ref _disposed) != 0 ? store.Queue.Closed()
        : request.Message.Body.Length > EmbeddedStore.MaxBodyBytes
            ? new MessageTooLargeException(request, Texts.BodyTooLarge(request.Message.Body.Length, EmbeddedStore.MaxBodyBytes))
        : request.DueAt is not null && request.Exchange.Length > 0
            ? new ArgumentException(Texts.DelayedThroughExchange(request.Exchange), nameof(request))
        : null;

    private void ThrowIfDisposed()
    {
        if (Volatile.Read(ref _disposed) != 0)
        {
            throw store.Queue.Closed();
        }
    }
}
