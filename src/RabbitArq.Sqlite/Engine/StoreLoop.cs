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
    private const long FastPoll = 20;
    private const long SlowPoll = 50;
    private const long FastPollFor = 2000;
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(30);

    /// <summary>Never set: a wait on it is a pause with a bound.</summary>
    public static readonly ManualResetEventSlim Pause = new(initialState: false, spinCount: 0);

    private readonly EmbeddedStore _store;
    private readonly StoreUpkeep _upkeep;
    private readonly BatchRunner _runner;
    private readonly TimeSpan _timeout;
    private readonly TaskCompletionSource _opened;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;

    private readonly List<StoreOperation> _batch = new(MostOperations);
    private readonly List<StoreOperation> _again = [];
    private SqliteDatabase _database = null!;
    private volatile bool _stopping;
    private volatile bool _healthy = true;
    private long _lastActivity;
    private long _nextPoll = long.MaxValue;
    private long _retryAt;

    public StoreLoop(EmbeddedStore store, TimeSpan timeout, TaskCompletionSource opened)
    {
        _store = store;
        _timeout = timeout;
        _opened = opened;
        _upkeep = new StoreUpkeep(store);
        _runner = new BatchRunner(store, _upkeep);
        _thread = new Thread(Run) { IsBackground = true, Name = "RabbitArq store" };
    }

    public bool IsHealthy => _healthy;

    private StoreQueue Queue => _store.Queue;

    private bool Shares => !_store.Location.IsMemory;

    public void Start() => _thread.Start();

    /// <summary>Ends the thread. When it hangs in the disk, the caller does not hang with it.</summary>
    public async Task StopAsync()
    {
        // What must happen is tried for a while; after that its messages are delivered again to others.
        _runner.StopDeadline = _store.Deadline(TimeSpan.FromSeconds(5));
        _stopping = true;
        Queue.Wake();
        try
        {
            await _ended.Task.WaitAsync(LongestStop, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException failure)
        {
            StoreLog.Failed(_store.Logger, _store.Location.Display, failure.Message, failure);
        }
    }

    private void Run()
    {
        try
        {
            _database = StoreOpening.Open(_store, _upkeep, _timeout, () => _stopping);
        }
        catch (Exception failure)
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

        try
        {
            Queue.Close();
            Queue.Dispose();
            foreach (var operation in _again)
            {
                operation.Fail(Queue.Closed());
            }

            _upkeep.SignOut(_database);
            _database.Dispose();
        }
        finally
        {
            _ended.SetResult();
        }
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
            var (now, elapsed) = (_store.NowMilliseconds(), _store.Elapsed());
            Gather(elapsed);
            Look(now, elapsed);
            Work(now, elapsed);
        }
        catch (Exception failure)
        {
            // Also a defect: whoever waits hears of it, and the thread lives on, or nobody would be answered any more.
            Fail(failure);
        }

        Queue.InHand(_again);
        if (!_stopping || !Queue.IsEmpty)
        {
            Schedule(_store.NowMilliseconds(), _store.Elapsed());
            return true;
        }

        if (_again.Count > 0 && _store.Clock.GetTimestamp() < _runner.StopDeadline)
        {
            Pause.Wait(10);
            return true;
        }

        return false;
    }

    private void Gather(long elapsed)
    {
        _batch.Clear();
        if (_again.Count > 0 && (elapsed >= _retryAt || _stopping))
        {
            _batch.AddRange(_again);
            _again.Clear();
        }

        Queue.Take(_batch, MostOperations, MostBytes);
        Queue.InHand(_again.Count == 0 ? _batch : [.. _again, .. _batch]);
    }

    /// <summary>Looks at what others may have done, and once a second at everything that is not urgent.</summary>
    private void Look(long now, long elapsed)
    {
        var tick = elapsed >= _upkeep.NextTick;
        var look = Shares && (tick || elapsed >= _nextPoll);
        if (look)
        {
            _store.Consumers.NoticeShared();
        }

        if (look && _upkeep.OthersWrote())
        {
            _lastActivity = elapsed;
            _store.Transaction.Refresh(now);
            _store.Messages.RefreshInstants();
            _store.Consumers.EndMissing(_store.Transaction.Topology);
            _store.Consumers.NoticeAll();
        }

        if (tick)
        {
            _upkeep.Tick(_database, elapsed);
        }
    }

    private void Work(long now, long elapsed)
    {
        var probe = !_healthy && elapsed >= _retryAt;
        if (!probe && !_runner.NeedsTransaction(_batch, now))
        {
            _runner.Read(_batch, now);
            return;
        }

        if (_runner.Write(_database, _batch, now, claims: !_stopping))
        {
            _lastActivity = elapsed;
            _runner.LeaveGap(more: Shares && (!Queue.IsEmpty || _store.Consumers.Promising.Count > 0));
            if (!_healthy)
            {
                _healthy = true;
                StoreLog.Recovered(_store.Logger, _store.Location.Display);
            }
        }
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
        _retryAt = _store.Elapsed() + 200;
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

    /// <summary>
    /// Sets the alarm. Looks and ticks go by the time that has passed, due times by the clock on the wall; when that one
    /// is set, the next tick notices.
    /// </summary>
    private void Schedule(long now, long elapsed)
    {
        _nextPoll = Shares && _store.Consumers.AnyRoom()
            ? elapsed + (elapsed - _lastActivity < FastPollFor ? FastPoll : SlowPoll)
            : long.MaxValue;
        var next = Math.Min(_nextPoll, _upkeep.NextTick);

        // A message expires after its last millisecond, not in it.
        var expired = _store.Messages.NextExpiry == long.MaxValue ? long.MaxValue : _store.Messages.NextExpiry + 1;
        var instant = Math.Min(_store.Messages.NextDue, expired);
        if (instant < long.MaxValue)
        {
            next = Math.Min(next, elapsed + Math.Max(0, instant - now));
        }

        if (!_healthy)
        {
            // Nothing is tried in a tight loop while the file fails.
            next = Math.Max(_retryAt, elapsed + 10);
        }
        else if (_store.Consumers.Promising.Count > 0)
        {
            Queue.Wake();
        }

        Queue.WakeAt(next, elapsed);
    }
}
