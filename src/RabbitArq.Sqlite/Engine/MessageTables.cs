using RabbitArq.Messages;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>Why the broker itself takes a message out of its queue.</summary>
internal enum DeathReason
{
    Rejected,
    Expired,
    TooManyWaiting,
    TooManyDeliveries,
}

/// <summary>A message that was just handed out.</summary>
internal readonly record struct ClaimedMessage(long Id, int Count, StoredProperties Properties, byte[] Body);

/// <summary>
/// Where messages stand: waiting, delayed, handed out. Each method runs inside the open transaction of the store's own
/// thread.
/// </summary>
internal sealed class MessageTables
{
    private const int LowestRank = 255;

    /// <summary>
    /// Full queues that dead-letter into one another push messages round; past this depth a limit is exceeded for a moment
    /// rather than the stack.
    /// </summary>
    private const int DeepestDrop = 8;

    private readonly StoreTransaction _transaction;
    private readonly SqliteStatement _insertMessage;
    private readonly SqliteStatement _selectMessage;
    private readonly SqliteStatement _deleteMessage;
    private readonly SqliteStatement _insertReady;
    private readonly SqliteStatement _insertDelayed;
    private readonly SqliteStatement _selectHead;
    private readonly SqliteStatement _leaseHead;
    private readonly SqliteStatement _deleteHead;
    private readonly SqliteStatement _deleteReady;
    private readonly SqliteStatement _deleteLease;
    private readonly SqliteStatement _anyReady;
    private readonly SqliteStatement _selectDue;
    private readonly SqliteStatement _deleteDelayed;
    private readonly SqliteStatement _selectExpired;
    private readonly SqliteStatement _nextDue;
    private readonly SqliteStatement _nextExpiry;

    private int _dropDepth;

    public MessageTables(SqliteDatabase database, StoreTransaction transaction)
    {
        _transaction = transaction;
        _insertMessage = database.Prepare("INSERT INTO message(id, properties, body) VALUES (?1, ?2, ?3)");
        _selectMessage = database.Prepare("SELECT properties, body FROM message WHERE id = ?1");
        _deleteMessage = database.Prepare("DELETE FROM message WHERE id = ?1");
        _insertReady = database.Prepare(
            "INSERT INTO ready(lane, rank, place, message_id, count, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        _insertDelayed = database.Prepare(
            "INSERT INTO delayed(due, place, queue_id, message_id, rank, ttl) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        _selectHead = database.Prepare("""
            SELECT r.message_id, r.count, m.properties, m.body, r.rank, r.place
            FROM ready r CROSS JOIN message m ON m.id = r.message_id
            WHERE r.lane = ?1 ORDER BY r.rank, r.place LIMIT ?2
            """);
        _leaseHead = database.Prepare("""
            INSERT INTO lease(message_id, node_id, queue_id, rank, place, count, expires)
            SELECT message_id, ?3, ?4, rank, place, count, expires FROM ready WHERE lane = ?1 ORDER BY rank, place LIMIT ?2
            """);
        _deleteHead = database.Prepare("DELETE FROM ready WHERE lane = ?1 AND (rank, place) <= (?2, ?3)");
        _deleteReady = database.Prepare("DELETE FROM ready WHERE lane = ?1 AND rank = ?2 AND place = ?3");
        _deleteLease = database.Prepare(
            "DELETE FROM lease WHERE message_id = ?1 AND node_id = ?2 RETURNING queue_id, rank, place, count, expires");
        _anyReady = database.Prepare("SELECT 1 FROM ready WHERE lane = ?1 LIMIT 1");
        _selectDue = database.Prepare(
            "SELECT due, place, queue_id, message_id, rank, ttl FROM delayed WHERE due <= ?1 ORDER BY due, place LIMIT ?2");
        _deleteDelayed = database.Prepare("DELETE FROM delayed WHERE due = ?1 AND place = ?2");
        _selectExpired = database.Prepare(
            "SELECT lane, rank, place, message_id FROM ready WHERE expires < ?1 ORDER BY expires LIMIT ?2");
        _nextDue = database.Prepare("SELECT due FROM delayed ORDER BY due LIMIT 1");
        _nextExpiry = database.Prepare("SELECT expires FROM ready WHERE expires IS NOT NULL ORDER BY expires LIMIT 1");
    }

    /// <summary>When the next delayed message is due, Unix milliseconds; <see cref="long.MaxValue"/>: none is known.</summary>
    public long NextDue { get; private set; } = long.MaxValue;

    /// <summary>When the next waiting message expires, Unix milliseconds; <see cref="long.MaxValue"/>: none is known.</summary>
    public long NextExpiry { get; private set; } = long.MaxValue;

    /// <summary>Where a message goes that is due and whose queue was deleted, by that queue's id.</summary>
    public required Func<long, QueueEntry> Park { get; init; }

    /// <summary>Queues that got a waiting message since the set was last cleared.</summary>
    public HashSet<long> Touched { get; } = [];

    /// <summary>Reads the two instants anew: another process may have added earlier ones.</summary>
    public void RefreshInstants()
    {
        NextDue = _nextDue.Scalar(long.MaxValue);
        NextExpiry = _nextExpiry.Scalar(long.MaxValue);
    }

    public bool AnyReady(QueueEntry queue) => _anyReady.Bind(1, queue.Lane).Scalar() != 0;

    /// <summary>Puts a new message into a queue, or beside it until it is due.</summary>
    public void Add(QueueEntry queue, ReadOnlySpan<byte> properties, ReadOnlySpan<byte> body, byte priority, long? expiration, long? due)
    {
        var id = _transaction.NextNumber();
        _insertMessage.Bind(1, id).BindUtf8(2, properties).BindBlob(3, body).Execute();
        var rank = LowestRank - Math.Min(priority, queue.Spec.MaxPriority ?? LowestRank);
        var ttl = expiration is { } own && queue.TtlMilliseconds is { } common ? Math.Min(own, common) : expiration ?? queue.TtlMilliseconds;
        if (due is { } instant && instant > _transaction.Now)
        {
            _insertDelayed.Bind(1, instant).Bind(2, id).Bind(3, queue.Id).Bind(4, id).Bind(5, rank).Bind(6, ttl).Execute();
            _transaction.Count(queue, delayed: 1);
            NextDue = Math.Min(NextDue, instant);
            return;
        }

        AddReady(queue, rank, id, id, 0, _transaction.Now + ttl);
        DropHeadAboveLimit(queue);
    }

    /// <summary>
    /// Hands out the first messages of a queue: as many as asked for, fewer when less wait or when their bodies are large.
    /// </summary>
    public void Claim(QueueEntry queue, int most, long mostBytes, long nodeId, List<ClaimedMessage> into)
    {
        long rank = 0, place = 0, bytes = 0;
        var taken = 0;
        _selectHead.Bind(1, queue.Lane).Bind(2, most);
        while (_selectHead.Step())
        {
            var body = _selectHead.Bytes(3);
            into.Add(new ClaimedMessage(
                _selectHead.Int64(0), (int)_selectHead.Int64(1), MessageCodec.Decode(_selectHead.Bytes(2)), body.ToArray()));
            rank = _selectHead.Int64(4);
            place = _selectHead.Int64(5);
            bytes += body.Length;
            taken++;
            if (bytes >= mostBytes)
            {
                _selectHead.Reset();
                break;
            }
        }

        if (taken > 0)
        {
            _leaseHead.Bind(1, queue.Lane).Bind(2, taken).Bind(3, nodeId).Bind(4, queue.Id).Execute();
            _deleteHead.Bind(1, queue.Lane).Bind(2, rank).Bind(3, place).Execute();
            _transaction.Count(queue, ready: -taken, unacked: taken);
        }
    }

    /// <summary>Forgets a message that this node holds.</summary>
    public void Acknowledge(long messageId, long nodeId)
    {
        if (EndLease(messageId, nodeId) is { } lease)
        {
            _deleteMessage.Bind(1, messageId).Execute();
            CountUnacked(lease);
        }
    }

    /// <summary>Puts a message that this node holds back into its place, or dead-letters it at its queue's delivery limit.</summary>
    /// <param name="messageId">The message.</param>
    /// <param name="nodeId">The node that holds it.</param>
    /// <param name="delivered">Whether somebody may have seen it, so that it counts as a delivery.</param>
    /// <returns>Whether the node held it.</returns>
    public bool Return(long messageId, long nodeId, bool delivered)
    {
        if (EndLease(messageId, nodeId) is not { } lease)
        {
            return false;
        }

        if (CountUnacked(lease) is not { } queue)
        {
            _deleteMessage.Bind(1, messageId).Execute();
            return true;
        }

        var count = lease.Count + (delivered ? 1 : 0);
        if (delivered && count > queue.Spec.DeliveryLimit)
        {
            DeadLetter(messageId, queue, DeathReason.TooManyDeliveries);
            return true;
        }

        AddReady(queue, lease.Rank, lease.Place, messageId, count, lease.Expires);
        return true;
    }

    /// <summary>Dead-letters a message that this node holds.</summary>
    public void Reject(long messageId, long nodeId)
    {
        if (EndLease(messageId, nodeId) is { } lease)
        {
            if (CountUnacked(lease) is { } queue)
            {
                DeadLetter(messageId, queue, DeathReason.Rejected);
            }
            else
            {
                _deleteMessage.Bind(1, messageId).Execute();
            }
        }
    }

    /// <summary>Moves messages whose time has come into their queues, behind what waits there.</summary>
    public void PromoteDue(int most)
    {
        var due = new List<(long Due, long Place, long Queue, long Message, long Rank, long? Ttl)>();
        _selectDue.Bind(1, _transaction.Now).Bind(2, most);
        while (_selectDue.Step())
        {
            due.Add((
                _selectDue.Int64(0), _selectDue.Int64(1), _selectDue.Int64(2), _selectDue.Int64(3),
                _selectDue.Int64(4), _selectDue.NullableInt64(5)));
        }

        foreach (var row in due)
        {
            _deleteDelayed.Bind(1, row.Due).Bind(2, row.Place).Execute();
            var queue = _transaction.Topology.FindQueue(row.Queue);
            if (queue is null)
            {
                queue = Park(row.Queue);
            }
            else
            {
                _transaction.Count(queue, delayed: -1);
            }

            AddReady(queue, row.Rank, _transaction.NextNumber(), row.Message, 0, _transaction.Now + row.Ttl);
            DropHeadAboveLimit(queue);
        }

        NextDue = _nextDue.Scalar(long.MaxValue);
    }

    /// <summary>Dead-letters or drops messages that have waited too long.</summary>
    public void RemoveExpired(int most)
    {
        var expired = new List<(long Lane, long Rank, long Place, long Message)>();
        _selectExpired.Bind(1, _transaction.Now).Bind(2, most);
        while (_selectExpired.Step())
        {
            expired.Add((_selectExpired.Int64(0), _selectExpired.Int64(1), _selectExpired.Int64(2), _selectExpired.Int64(3)));
        }

        foreach (var (lane, rank, place, message) in expired)
        {
            _deleteReady.Bind(1, lane).Bind(2, rank).Bind(3, place).Execute();
            if (_transaction.Topology.FindLane(lane) is not { } queue)
            {
                _deleteMessage.Bind(1, message).Execute();
                continue;
            }

            _transaction.Count(queue, ready: -1);
            DeadLetter(message, queue, DeathReason.Expired);
        }

        NextExpiry = _nextExpiry.Scalar(long.MaxValue);
    }

    private void AddReady(QueueEntry queue, long rank, long place, long messageId, int count, long? expires)
    {
        _insertReady.Bind(1, queue.Lane).Bind(2, rank).Bind(3, place).Bind(4, messageId).Bind(5, count).Bind(6, expires).Execute();
        _transaction.Count(queue, ready: 1);
        NextExpiry = Math.Min(NextExpiry, expires ?? long.MaxValue);
        Touched.Add(queue.Id);
    }

    /// <summary>The head goes, not the new message, as on RabbitMQ: also where the head has the higher priority.</summary>
    private void DropHeadAboveLimit(QueueEntry queue)
    {
        if (queue.Spec.MaxLength is not { } limit || queue.Spec.RejectPublishWhenFull || _dropDepth >= DeepestDrop)
        {
            return;
        }

        _dropDepth++;
        try
        {
            DropHead(queue, limit);
        }
        finally
        {
            _dropDepth--;
        }
    }

    private void DropHead(QueueEntry queue, long limit)
    {
        for (var above = _transaction.Counts(queue).Ready - limit; above > 0; above--)
        {
            _selectHead.Bind(1, queue.Lane).Bind(2, 1);
            if (!_selectHead.Step())
            {
                return;
            }

            var (message, rank, place) = (_selectHead.Int64(0), _selectHead.Int64(4), _selectHead.Int64(5));
            _selectHead.Reset();
            _deleteReady.Bind(1, queue.Lane).Bind(2, rank).Bind(3, place).Execute();
            _transaction.Count(queue, ready: -1);
            DeadLetter(message, queue, DeathReason.TooManyWaiting);
        }
    }

    /// <summary>
    /// Publishes a message that has left its queue to the queue's dead-letter exchange, or deletes it. A queue that takes
    /// dead letters is never too full to take one. A message that would come round a circle without anybody having
    /// rejected it is dropped, as on RabbitMQ.
    /// </summary>
    private void DeadLetter(long messageId, QueueEntry queue, DeathReason reason)
    {
        if (queue.Spec.DeadLetterExchange is not { } exchange)
        {
            _deleteMessage.Bind(1, messageId).Execute();
            return;
        }

        _selectMessage.Bind(1, messageId);
        if (!_selectMessage.Step())
        {
            return;
        }

        var stored = MessageCodec.Decode(_selectMessage.Bytes(0));
        var body = _selectMessage.Bytes(1).ToArray();
        _selectMessage.Reset();
        _deleteMessage.Bind(1, messageId).Execute();

        IReadOnlyList<string> deaths = reason == DeathReason.Rejected ? [] : [.. stored.Deaths, queue.Name];
        var key = queue.Spec.DeadLetterRoutingKey ?? stored.RoutingKey;

        // An expiration has done its work: kept, it would empty the dead-letter queue as well.
        BrokerMessage message = stored.ToMessage(body) with { Expiration = null };
        var properties = MessageCodec.Encode(message, exchange, key, deaths);
        foreach (var target in _transaction.Topology.Route(exchange, key, message.Headers, out _))
        {
            if (!deaths.Contains(target.Name))
            {
                Add(target, properties, body, message.Priority ?? 0, null, null);
            }
        }
    }

    private (long Queue, long Rank, long Place, int Count, long? Expires)? EndLease(long messageId, long nodeId)
    {
        _deleteLease.Bind(1, messageId).Bind(2, nodeId);
        if (!_deleteLease.Step())
        {
            return null;
        }

        var lease = (
            _deleteLease.Int64(0), _deleteLease.Int64(1), _deleteLease.Int64(2),
            (int)_deleteLease.Int64(3), _deleteLease.NullableInt64(4));

        // RETURNING has done all its work at the first row, but the statement counts as finished only after the last.
        _ = _deleteLease.Step();
        return lease;
    }

    private QueueEntry? CountUnacked((long Queue, long Rank, long Place, int Count, long? Expires) lease)
    {
        var queue = _transaction.Topology.FindQueue(lease.Queue);
        if (queue is not null)
        {
            _transaction.Count(queue, unacked: -1);
        }

        return queue;
    }
}
