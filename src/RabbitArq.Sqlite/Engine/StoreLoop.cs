using RabbitArq.Brokers;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// The store's thread. One round: take what waits, one transaction of due messages, operations and claims, commit, answer.
/// </summary>
/// <remarks>A thread of its own, not the pool: SQLite blocks in the disk and on other processes' locks.</remarks>
internal sealed class StoreLoop
{
    private const int MostOperations = 2048;
    private const int MostBytes = 8 * 1024 * 1024;
    private const int MostClaims = 512;
    private const int MostDue = 1024;
    private const long FastPoll = 20;
    private const long SlowPoll = 50;
    private const long FastPollFor = 2000;

    /// <summary>
    /// SQLite's lock is not fair: who commits and begins at once always finds it free, while another process sleeps
    /// between two tries. After this long of back-to-back transactions the thread leaves a gap of more than one try.
    /// </summary>
    private const long LongestHold = 20;

    /// <summary>Never set: a wait on it is a pause with a bound.</summary>
    private static readonly ManualResetEventSlim Pause = new(initialState: false, spinCount: 0);

    private readonly EmbeddedStore _store;
    private readonly StoreUpkeep _upkeep;
    private readonly TimeSpan _timeout;
    private readonly TaskCompletionSource _opened;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;

    private readonly List<StoreOperation> _batch = new(MostOperations);
    private readonly List<StoreOperation> _again = [];
    private SqliteDatabase _database = null!;
    private volatile bool _stopping;
    private volatile bool _healthy = true;
    private long _stopDeadline = long.MaxValue;
    private long _lastActivity;
    private long _nextPoll = long.MaxValue;
    private long _heldSince;
    private long _retryAt;

    public StoreLoop(EmbeddedStore store, TimeSpan timeout, TaskCompletionSource opened)
    {
        _store = store;
        _timeout = timeout;
        _opened = opened;
        _upkeep = new StoreUpkeep(store);
        _thread = new Thread(Run) { IsBackground = true, Name = "RabbitArq store" };
    }

    public bool IsHealthy => _healthy;

    private StoreQueue Queue => _store.Queue;

    private bool Shares => !_store.Location.IsMemory;

    public void Start() => _thread.Start();

    public Task StopAsync()
    {
        // What must happen is tried for a while; after that its messages are delivered again to others.
        Volatile.Write(ref _stopDeadline, _store.Deadline(TimeSpan.FromSeconds(5)));
        _stopping = true;
        Queue.Wake();
        return _ended.Task;
    }

    private void Run()
    {
        try
        {
            _database = StoreOpening.Open(_store, _upkeep, _timeout, Pause);
        }
        catch (Exception failure) when (failure is BrokerException or SqliteFailureException or IOException or UnauthorizedAccessException or NotSupportedException)
        {
            Queue.Close();
            Queue.Dispose();
            _opened.SetException(StoreErrors.ToBroker(failure, _store.Location.Display));
            _ended.SetResult();
            return;
        }

        _opened.SetResult();
        while (Round())
        {
        }

        Queue.Close();
        Queue.Dispose();
        _upkeep.SignOut(_database);
        _database.Dispose();
        _ended.SetResult();
    }

    /// <returns>False when the store was asked to stop and nothing is left to do.</returns>
    private bool Round()
    {
        if (Queue.IsEmpty && !_stopping)
        {
            Queue.Wait();
        }

        try
        {
            var now = _store.NowMilliseconds();
            Gather(now);
            Look(now);
            Work(now);
        }
        catch (SqliteFailureException failure)
        {
            Fail(failure);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // A defect. Whoever waits hears of it, and the thread lives on: without it nobody would be answered any more.
            Fail(failure);
        }

        Queue.InHand([]);
        if (!_stopping || !Queue.IsEmpty)
        {
            Schedule(_store.NowMilliseconds());
            return true;
        }

        if (_again.Count > 0 && _store.Clock.GetTimestamp() < Volatile.Read(ref _stopDeadline))
        {
            Pause.Wait(10);
            return true;
        }

        return false;
    }

    private void Gather(long now)
    {
        _batch.Clear();
        if (_again.Count > 0 && (now >= _retryAt || _stopping))
        {
            _batch.AddRange(_again);
            _again.Clear();
        }

        Queue.Take(_batch, MostOperations, MostBytes);
        Queue.InHand(_batch);
    }

    /// <summary>Looks at what others may have done, and once a second at everything that is not urgent.</summary>
    private void Look(long now)
    {
        var tick = now >= _upkeep.NextTick;
        var look = Shares && (tick || now >= _nextPoll);
        if (look)
        {
            _store.Consumers.NoticeShared();
        }

        if (look && _upkeep.OthersWrote())
        {
            _lastActivity = now;
            _store.Transaction.Refresh(now);
            _store.Messages.RefreshInstants();
            _store.Consumers.EndMissing(_store.Transaction.Topology);
            _store.Consumers.NoticeAll();
        }

        if (tick)
        {
            _upkeep.Tick(_database, now);
        }
    }

    private void Work(long now)
    {
        if (!NeedsTransaction(now))
        {
            ReadOnly(now);
            return;
        }

        if (!Begin(now))
        {
            return;
        }

        Execute(now);
        Claim();
        _store.Transaction.Commit();
        _upkeep.AfterCommit(_database, now);
        if (!_healthy)
        {
            _healthy = true;
            StoreLog.Recovered(_store.Logger, _store.Location.Display);
        }

        _lastActivity = now;
        foreach (var operation in _batch)
        {
            operation.Complete();
        }

        _store.Consumers.Deliver();
        if (_upkeep.TopologyLoaded)
        {
            _upkeep.TopologyLoaded = false;
            _store.Consumers.EndMissing(_store.Transaction.Topology);
        }

        LeaveGap();
    }

    private bool NeedsTransaction(long now)
    {
        if (_batch.Exists(static operation => !operation.ReadsOnly) || _upkeep.HasWork
            || now >= _store.Messages.NextDue || now > _store.Messages.NextExpiry
            || (!_healthy && now >= _retryAt))
        {
            return true;
        }

        // Looked at without the write lock: mostly another process has taken what was there.
        foreach (var id in _store.Consumers.Promising)
        {
            if (_store.Consumers.Room(id) == 0
                || _store.Transaction.Topology.FindQueue(id) is not { } queue || !_store.Messages.AnyReady(queue))
            {
                _store.Consumers.Promising.Remove(id);
            }
        }

        return _store.Consumers.Promising.Count > 0;
    }

    private void ReadOnly(long now)
    {
        if (_batch.Count == 0)
        {
            return;
        }

        _store.Transaction.Refresh(now);
        foreach (var operation in _batch)
        {
            ExecuteOne(operation);
            operation.Complete();
        }
    }

    /// <summary>Takes the write lock, waiting for other processes for as long as anybody waits for the answer.</summary>
    /// <returns>False when nobody does any more.</returns>
    private bool Begin(long now)
    {
        _store.Consumers.Begin();
        var claimsOnly = _batch.Count == 0;
        for (var tries = 0; ; tries++)
        {
            try
            {
                _store.Transaction.Begin(now);
                if (tries > 0 || _heldSince == 0)
                {
                    _heldSince = _store.NowMilliseconds();
                }

                return true;
            }
            catch (SqliteFailureException failure) when (failure.IsBusy)
            {
                var timestamp = _store.Clock.GetTimestamp();
                _batch.RemoveAll(operation =>
                {
                    var over = !operation.MustHappen && operation.Deadline < timestamp;
                    if (over)
                    {
                        operation.Fail(failure);
                    }

                    return over;
                });
                if (_stopping && timestamp > Volatile.Read(ref _stopDeadline))
                {
                    throw;
                }

                if (claimsOnly ? tries >= 100 : _batch.Count == 0)
                {
                    return false;
                }

                // The other side leaves gaps of more than a millisecond: see LongestHold.
                Pause.Wait(tries < 1000 ? 1 : 10);
            }
        }
    }

    private void Execute(long now)
    {
        if (now >= _store.Messages.NextDue)
        {
            _store.Messages.PromoteDue(MostDue);
        }

        if (now > _store.Messages.NextExpiry)
        {
            _store.Messages.RemoveExpired(MostDue);
        }

        _upkeep.Work();
        foreach (var operation in _batch)
        {
            ExecuteOne(operation);
        }
    }

    private void ExecuteOne(StoreOperation operation)
    {
        operation.Refusal = null;
        try
        {
            operation.Execute(_store);
        }
        catch (BrokerException refusal)
        {
            operation.Refusal = refusal;
        }
    }

    private void Claim()
    {
        foreach (var touched in _store.Messages.Touched)
        {
            _store.Consumers.Notice(touched);
        }

        _store.Messages.Touched.Clear();
        if (_stopping)
        {
            return;
        }

        foreach (var id in _store.Consumers.Promising)
        {
            if (_store.Transaction.Topology.FindQueue(id) is { } queue)
            {
                _store.Consumers.Claim(_store.Messages, queue, Share(queue), MostClaims, MostBytes, _store.NodeId);
            }
            else
            {
                _store.Consumers.Promising.Remove(id);
            }
        }
    }

    /// <summary>
    /// How many of a queue's waiting messages this process may take at once. With consumers in other processes it is the
    /// part that belongs to its own, so that ten long jobs do not all go to whoever looked first; what the others have not
    /// taken by the next look is shared out again.
    /// </summary>
    private long Share(QueueEntry queue)
    {
        if (_upkeep.OtherNodes == 0)
        {
            return long.MaxValue;
        }

        var all = _store.Nodes.CountConsumers(queue);
        var own = _store.Consumers.Count(queue.Id);
        return all <= own ? long.MaxValue : Math.Max(1, ((_store.Transaction.Counts(queue).Ready * own) + all - 1) / all);
    }

    /// <summary>Rolls back. What must happen is kept for later, everybody else is told.</summary>
    private void Fail(Exception failure)
    {
        try
        {
            _store.Transaction.Rollback();
        }
        catch (SqliteFailureException second)
        {
            StoreLog.Failed(_store.Logger, _store.Location.Display, second.Message, second);
        }

        if (_healthy)
        {
            _healthy = false;
            StoreLog.Failed(_store.Logger, _store.Location.Display, failure.Message, failure);
        }

        _store.Messages.Touched.Clear();
        _store.Consumers.Begin();
        _store.Consumers.NoticeAll();
        _retryAt = _store.NowMilliseconds() + 200;
        foreach (var operation in _batch)
        {
            if (operation.MustHappen)
            {
                _again.Add(operation);
            }
            else
            {
                operation.Fail(failure);
            }
        }
    }

    private void Schedule(long now)
    {
        _nextPoll = Shares && _store.Consumers.AnyRoom() ? now + (now - _lastActivity < FastPollFor ? FastPoll : SlowPoll) : long.MaxValue;
        var next = Math.Min(Math.Min(_nextPoll, _upkeep.NextTick), _store.Messages.NextDue);
        if (_store.Messages.NextExpiry < long.MaxValue)
        {
            next = Math.Min(next, _store.Messages.NextExpiry + 1);
        }

        if (!_healthy)
        {
            // Nothing is tried in a tight loop while the file fails.
            next = Math.Max(_retryAt, now + 10);
        }
        else if (_store.Consumers.Promising.Count > 0)
        {
            Queue.Wake();
        }

        Queue.WakeAt(next, now);
    }

    private void LeaveGap()
    {
        var now = _store.NowMilliseconds();
        if (Queue.IsEmpty && _store.Consumers.Promising.Count == 0)
        {
            _heldSince = 0;
        }
        else if (Shares && _upkeep.OtherNodes > 0 && now - _heldSince > LongestHold)
        {
            Pause.Wait(2);
            _heldSince = 0;
        }
    }
}
