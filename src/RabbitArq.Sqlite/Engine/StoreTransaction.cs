using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// The write transaction of one batch, and what lives as long as the connection: numbers, topology and counts. Everything
/// here belongs to the store's own thread.
/// </summary>
internal sealed class StoreTransaction
{
    private readonly SqliteDatabase _database;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly SqliteStatement _rollback;
    private readonly SqliteStatement _readState;
    private readonly SqliteStatement _writeState;
    private readonly SqliteStatement _addCounts;
    private readonly SqliteStatement _readCounts;
    private readonly List<QueueEntry> _counted = [];
    private long _topologyNumber = -1;
    private long _nextNumber;
    private bool _stateChanged;

    public StoreTransaction(SqliteDatabase database)
    {
        _database = database;
        _begin = database.Prepare("BEGIN IMMEDIATE");
        _commit = database.Prepare("COMMIT");
        _rollback = database.Prepare("ROLLBACK");
        _readState = database.Prepare("SELECT next_number, topology FROM state WHERE id = 1");
        _writeState = database.Prepare("UPDATE state SET next_number = ?1, topology = ?2 WHERE id = 1");
        _addCounts = database.Prepare(
            "UPDATE queue_count SET ready = ready + ?2, delayed = delayed + ?3, unacked = unacked + ?4 WHERE queue_id = ?1");
        _readCounts = database.Prepare("SELECT ready, delayed, unacked FROM queue_count WHERE queue_id = ?1");
    }

    public TopologyCache Topology { get; } = new();

    /// <summary>The instant of the transaction, Unix milliseconds.</summary>
    public long Now { get; private set; }

    /// <summary>Raised whenever <see cref="Topology"/> was read anew: entries from before are stale.</summary>
    public Action? TopologyLoaded { get; set; }

    /// <summary>Takes the write lock.</summary>
    /// <exception cref="SqliteFailureException">Somebody else holds it, or the file fails.</exception>
    public void Begin(long now)
    {
        _begin.Execute();
        Now = now;
        ReadState();
    }

    /// <summary>Looks without the write lock whether another process has changed the topology.</summary>
    public void Refresh(long now)
    {
        Now = now;
        ReadState();
    }

    public void Commit()
    {
        WriteCounts();
        if (_stateChanged)
        {
            _writeState.Bind(1, _nextNumber).Bind(2, _topologyNumber).Execute();
            _stateChanged = false;
        }

        _commit.Execute();
    }

    /// <summary>Forgets the batch. What was in memory is read again at the next begin.</summary>
    public void Rollback()
    {
        _counted.Clear();
        _stateChanged = false;
        _topologyNumber = -1;
        if (_database.InTransaction)
        {
            _rollback.Execute();
        }
    }

    /// <summary>A number never used before in this file: ids, and places in a lane.</summary>
    public long NextNumber()
    {
        _stateChanged = true;
        return _nextNumber++;
    }

    /// <summary>To be called after a change of exchanges, queues or bindings.</summary>
    public void TopologyChanged()
    {
        WriteCounts();
        _topologyNumber++;
        _stateChanged = true;
        LoadTopology();
    }

    public void Count(QueueEntry queue, int ready = 0, int delayed = 0, int unacked = 0)
    {
        queue.ReadyChange += ready;
        queue.DelayedChange += delayed;
        queue.UnackedChange += unacked;
        if (!queue.IsCounted)
        {
            queue.IsCounted = true;
            _counted.Add(queue);
        }
    }

    /// <summary>Drops what was not yet written of the counts of a queue that is being deleted.</summary>
    public void Forget(QueueEntry queue)
    {
        queue.ReadyChange = queue.UnackedChange = 0;
        WriteCounts();
    }

    /// <summary>What waits, what waits for its due time, and what is handed out; this transaction's changes included.</summary>
    public (long Ready, long Delayed, long Unacked) Counts(QueueEntry queue)
    {
        _readCounts.Bind(1, queue.Id);
        if (!_readCounts.Step())
        {
            return default;
        }

        var counts = (_readCounts.Int64(0) + queue.ReadyChange, _readCounts.Int64(1) + queue.DelayedChange, _readCounts.Int64(2) + queue.UnackedChange);
        _readCounts.Reset();
        return counts;
    }

    private void ReadState()
    {
        _ = _readState.Step();
        _nextNumber = _readState.Int64(0);
        var topology = _readState.Int64(1);
        _readState.Reset();
        if (topology != _topologyNumber)
        {
            _topologyNumber = topology;
            LoadTopology();
        }
    }

    private void LoadTopology()
    {
        Topology.Load(_database);
        TopologyLoaded?.Invoke();
    }

    private void WriteCounts()
    {
        foreach (var queue in _counted)
        {
            _addCounts.Bind(1, queue.Id).Bind(2, queue.ReadyChange).Bind(3, queue.DelayedChange).Bind(4, queue.UnackedChange).Execute();
            queue.ReadyChange = queue.DelayedChange = queue.UnackedChange = 0;
            queue.IsCounted = false;
        }

        _counted.Clear();
    }
}
