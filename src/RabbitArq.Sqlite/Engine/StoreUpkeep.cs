using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// What keeps the file in order: signing in and out, taking back what dead processes held, checkpoints, and giving back
/// freed pages. All of it in small steps on the store's thread.
/// </summary>
internal sealed class StoreUpkeep(EmbeddedStore store)
{
    private const long TickInterval = 1000;

    /// <summary>Pages in the write-ahead log at which it is copied into the database: 16 MiB.</summary>
    private const int CheckpointPages = 4096;

    /// <summary>With <c>synchronous=NORMAL</c> the log reaches the disk at a checkpoint; idle or not, it is made this often.</summary>
    private const long CheckpointInterval = 5000;

    private const int GarbageStep = 2000;
    private const int VacuumStep = 500;
    private const int VacuumAbove = 2000;

    private readonly List<(long Id, NodeLock Lock)> _dead = [];
    private NodeLock? _lock;
    private SqliteStatement _dataVersion = null!;
    private SqliteStatement _oneGarbage = null!;
    private SqliteStatement _garbageRows = null!;
    private SqliteStatement _deleteGarbageRow = null!;
    private SqliteStatement _deleteGarbageMessage = null!;
    private SqliteStatement _deleteGarbage = null!;
    private long _lastDataVersion = -1;
    private int _pagesAtCheckpoint;
    private long _lastCheckpoint;
    private bool _hasGarbage;
    private bool _mayVacuum;
    private bool _lost;

    public long NextTick { get; private set; }

    /// <summary>How many other processes have the file open, as of the last tick.</summary>
    public int OtherNodes { get; private set; }

    /// <summary>Set when exchanges or queues were read anew.</summary>
    public bool TopologyLoaded { get; set; }

    /// <summary>Whether there is something to do that needs a transaction.</summary>
    public bool HasWork => _dead.Count > 0 || _lost || _hasGarbage;

    /// <summary>Prepares the statements and makes this process known.</summary>
    public void SignIn(SqliteDatabase database)
    {
        _dataVersion = database.Prepare("PRAGMA data_version");
        _oneGarbage = database.Prepare("SELECT lane FROM garbage LIMIT 1");
        _garbageRows = database.Prepare("SELECT rank, place, message_id FROM ready WHERE lane = ?1 LIMIT ?2");
        _deleteGarbageRow = database.Prepare("DELETE FROM ready WHERE lane = ?1 AND rank = ?2 AND place = ?3");
        _deleteGarbageMessage = database.Prepare("DELETE FROM message WHERE id = ?1");
        _deleteGarbage = database.Prepare("DELETE FROM garbage WHERE lane = ?1");
        store.Transaction.TopologyLoaded = () => TopologyLoaded = true;
        if (store.Location.Path is { } path)
        {
            _lock = NodeLock.Create(path);
        }

        try
        {
            store.Transaction.Begin(store.NowMilliseconds());
            store.NodeId = store.Nodes.AddNode(_lock?.Name ?? "memory");
            store.Transaction.Commit();
        }
        catch
        {
            // Opening may be tried again, with a lock of its own.
            store.Transaction.Rollback();
            _lock?.Dispose();
            _lock = null;
            throw;
        }

        FindDead();
        if (store.Location.Path is { } beside)
        {
            var known = store.Nodes.OtherNodes(0).Select(static node => node.LockName).ToHashSet(StringComparer.Ordinal);
            NodeLock.DeleteOrphans(beside, known, store.Clock.GetUtcNow());
        }

        NextTick = store.Elapsed() + (_dead.Count > 0 ? 0 : TickInterval);
    }

    /// <summary>Takes this process out of the tables. When that fails, others do it: the lock is released in any case.</summary>
    public void SignOut(SqliteDatabase database)
    {
        _dead.ForEach(static dead => dead.Lock.Dispose());
        try
        {
            if (_lock is not null)
            {
                database.SetBusyTimeout(1000);
                store.Transaction.Begin(store.NowMilliseconds());
                store.Nodes.RemoveNode(store.NodeId);
                store.Transaction.Commit();
                if (OtherNodes == 0)
                {
                    database.CheckpointAndRestart();
                }
            }
        }
        catch (SqliteFailureException failure)
        {
            StoreLog.Failed(store.Logger, store.Location.Display, failure.Message, failure);
        }
        finally
        {
            _lock?.Dispose();
        }
    }

    /// <summary>Whether another process has committed anything since the last question.</summary>
    public bool OthersWrote()
    {
        var version = _dataVersion.Scalar();
        var changed = version != _lastDataVersion;
        _lastDataVersion = version;
        return changed;
    }

    /// <summary>Once a second: what is not urgent.</summary>
    public void Tick(SqliteDatabase database, long elapsed)
    {
        NextTick = elapsed + TickInterval;
        _hasGarbage = _oneGarbage.Scalar(-1) >= 0;
        if (_lock is null)
        {
            return;
        }

        CheckNode();
        FindDead();
        if (elapsed - _lastCheckpoint >= CheckpointInterval && database.PagesWritten != _pagesAtCheckpoint)
        {
            Checkpoint(database, elapsed);
        }

        if (_mayVacuum)
        {
            Vacuum(database);
        }
    }

    /// <summary>Looks whether others have removed this process from the tables. In a transaction the answer stays true until its end.</summary>
    public void CheckNode() => _lost = _lock is not null && !store.Nodes.NodeExists(store.NodeId);

    /// <summary>Inside a transaction: one step of everything that waits.</summary>
    public void Work()
    {
        if (_lost)
        {
            Rejoin();
        }

        foreach (var (id, _) in _dead)
        {
            var held = store.Nodes.RemoveNode(id);
            StoreLog.NodeGone(store.Logger, store.Location.Display, held);
        }

        if (_hasGarbage)
        {
            CollectGarbage();
        }
    }

    public void AfterCommit(SqliteDatabase database)
    {
        _dead.ForEach(static dead => dead.Lock.Dispose());
        _dead.Clear();
        _lost = false;
        if (_lock is not null && database.PagesWritten - _pagesAtCheckpoint >= CheckpointPages)
        {
            Checkpoint(database, store.Elapsed());
        }
    }

    private void FindDead()
    {
        if (store.Location.Path is not { } path)
        {
            return;
        }

        var others = store.Nodes.OtherNodes(store.NodeId);
        foreach (var (id, name) in others)
        {
            if (_dead.Exists(dead => dead.Id == id))
            {
                continue;
            }

            try
            {
                if (NodeLock.TryTakeOver(path, name) is { } taken)
                {
                    _dead.Add((id, taken));
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // Another user's lock: that user's processes look after it.
                StoreLog.LockUnreadable(store.Logger, name, failure.Message);
            }
        }

        OtherNodes = others.Count - _dead.Count;
    }

    /// <summary>
    /// Another process has taken this one for dead, because somebody deleted its lock file. What it held is being delivered
    /// again; it signs in anew and goes on.
    /// </summary>
    private void Rejoin()
    {
        _lock?.Dispose();
        _lock = NodeLock.Create(store.Location.Path!);
        store.NodeId = store.Nodes.AddNode(_lock.Name);
        store.Nodes.Restore(store.NodeId, store.Sessions, store.Consumers.All);
        foreach (var consumer in store.Consumers.All)
        {
            consumer.ForgetHeld();
        }

        store.Consumers.NoticeAll();
        StoreLog.Rejoined(store.Logger, store.Location.Display);
    }

    private void CollectGarbage()
    {
        var lane = _oneGarbage.Scalar(-1);
        if (lane < 0)
        {
            _hasGarbage = false;
            return;
        }

        var rows = new List<(long Rank, long Place, long Message)>();
        _garbageRows.Bind(1, lane).Bind(2, GarbageStep);
        while (_garbageRows.Step())
        {
            rows.Add((_garbageRows.Int64(0), _garbageRows.Int64(1), _garbageRows.Int64(2)));
        }

        foreach (var (rank, place, message) in rows)
        {
            _deleteGarbageRow.Bind(1, lane).Bind(2, rank).Bind(3, place).Execute();
            _deleteGarbageMessage.Bind(1, message).Execute();
        }

        if (rows.Count < GarbageStep)
        {
            _deleteGarbage.Bind(1, lane).Execute();
        }

        store.Queue.Wake();
    }

    private void Checkpoint(SqliteDatabase database, long elapsed)
    {
        // Waits for the write lock rather than falling back to a checkpoint beside a writer: see Schema.ConfigureFile.
        database.SetBusyTimeout(500);
        database.CheckpointAndRestart();
        database.SetBusyTimeout(0);
        _pagesAtCheckpoint = database.PagesWritten;
        _lastCheckpoint = elapsed;
        _mayVacuum = true;
    }

    private void Vacuum(SqliteDatabase database)
    {
        if (database.QueryInt64("PRAGMA freelist_count") <= VacuumAbove)
        {
            _mayVacuum = false;
            return;
        }

        try
        {
            database.Execute(FormattableString.Invariant($"PRAGMA incremental_vacuum({VacuumStep})"));
        }
        catch (SqliteFailureException failure) when (failure.IsBusy)
        {
            _mayVacuum = false;
        }
    }
}
