using System.Threading.Channels;
using RabbitArq.Brokers;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// A consumer. What it holds is kept by the store's thread alone; readers and settlers only see the channel and post
/// operations.
/// </summary>
internal sealed class SqliteConsumer(EmbeddedStore store, long id, long sessionId, QueueEntry queue, ConsumerSpec spec) : IBrokerConsumer
{
    private readonly Channel<Delivery> _channel = Channel.CreateUnbounded<Delivery>(new UnboundedChannelOptions { SingleWriter = true });

    // By the store's thread only.
    private readonly Dictionary<long, SqliteDelivery> _held = [];
    private readonly List<long> _handBack = [];
    private int _reserved;
    private int _settling;
    private bool _taking = true;
    private bool _removed;

    // Written by the store's thread, read by anybody.
    private volatile int _epoch;
    private volatile bool _consuming = true;

    private int _disposed;

    public long Id { get; } = id;

    public long SessionId { get; } = sessionId;

    public ConsumerSpec Spec => spec;

    public long QueueId { get; } = queue.Id;

    public string QueueName { get; } = queue.Name;

    public ChannelReader<Delivery> Deliveries => _channel.Reader;

    public bool IsConsuming => _consuming && store.IsHealthy;

    /// <summary>Deliveries from an earlier epoch are dead: the store has taken them back.</summary>
    public int Epoch => _epoch;

    /// <summary>How many more it may hold, settlements of the open transaction included.</summary>
    public int Room => _taking ? Math.Max(0, spec.PrefetchCount - (_held.Count - _settling) - _reserved) : 0;

    public EmbeddedStore Store => store;

    /// <summary>Called when it was disposed of.</summary>
    public Action? Gone { get; set; }

    public async Task CancelAsync(CancellationToken cancellationToken = default) =>
        await store.AskAsync(Cancel, certain: true, committed: _ => Cancelled(), cancellationToken: cancellationToken).ConfigureAwait(false);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            try
            {
                await store.AskAsync(Close, certain: true, committed: _ => Closed()).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is BrokerException or ObjectDisposedException)
            {
                // The file fails. What it held goes back when the file works again, or when this process has ended.
                StoreLog.Failed(store.Logger, store.Location.Display, failure.Message, failure);
            }

            Gone?.Invoke();
        }
    }

    // From here on: the store's thread.
    public void Begin() => _reserved = _settling = 0;

    public void Reserve() => _reserved++;

    public void Deliver(ClaimedMessage message)
    {
        _reserved--;
        var delivery = new SqliteDelivery(this, message.Id, _epoch)
        {
            Message = message.Properties.ToMessage(message.Body),
            QueueName = QueueName,
            Exchange = message.Properties.Exchange,
            RoutingKey = message.Properties.RoutingKey,
            DeliveryCount = message.Count,
            Redelivered = message.Count > 0,
        };
        _held.Add(message.Id, delivery);
        _channel.Writer.TryWrite(delivery);
    }

    /// <summary>Inside the transaction: whether a settlement still counts. Its room is free from now on.</summary>
    public bool BeginSettle(SqliteDelivery delivery)
    {
        var counts = _held.TryGetValue(delivery.MessageId, out var held) && ReferenceEquals(held, delivery);
        _settling += counts ? 1 : 0;
        return counts;
    }

    /// <summary>After the commit of a settlement.</summary>
    public void EndSettle(SqliteDelivery delivery)
    {
        if (_held.TryGetValue(delivery.MessageId, out var held) && ReferenceEquals(held, delivery))
        {
            _held.Remove(delivery.MessageId);
            _settling--;
        }
    }

    /// <summary>Inside the transaction: no more deliveries; those that nobody has read go back, and do not count.</summary>
    public bool Cancel(EmbeddedStore _)
    {
        _taking = false;
        _channel.Writer.TryComplete();
        while (_channel.Reader.TryRead(out var unread))
        {
            _handBack.Add(((SqliteDelivery)unread).MessageId);
        }

        foreach (var message in _handBack)
        {
            _held.Remove(message);
            store.Messages.Return(message, store.NodeId, delivered: false);
        }

        if (!_removed)
        {
            store.Nodes.RemoveConsumer(Id);
        }

        return true;
    }

    /// <summary>Inside the transaction: also what was read and not settled goes back.</summary>
    public bool Close(EmbeddedStore _)
    {
        Cancel(store);
        foreach (var message in _held.Keys)
        {
            store.Messages.Return(message, store.NodeId, delivered: true);
        }

        return true;
    }

    /// <summary>After the commit of <see cref="Cancel"/> or <see cref="Close"/>.</summary>
    public void Cancelled()
    {
        _removed = true;
        _consuming = false;
        _handBack.Clear();
        store.Consumers.Remove(this);
    }

    /// <summary>After the commit of <see cref="Close"/>.</summary>
    public void Closed()
    {
        Cancelled();
        _epoch++;
        _held.Clear();
    }

    /// <summary>The store no longer has what it held: another process has taken this one for dead.</summary>
    public void ForgetHeld()
    {
        _epoch++;
        _held.Clear();
        while (_channel.Reader.TryRead(out var unread))
        {
            // Dead already: nobody needs to see it.
            _ = unread;
        }
    }

    /// <summary>Its queue is gone.</summary>
    public void End(BrokerException reason)
    {
        _taking = false;
        _removed = true;
        _consuming = false;
        ForgetHeld();
        _channel.Writer.TryComplete(reason);
    }
}
