using System.Collections.Concurrent;
using RabbitArq.Brokers;
using RabbitArq.Sqlite.Localization;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// What waits for the store's thread, and what wakes it. Anybody may post; only the store's thread takes. A watchdog on a
/// timer answers callers whose time is up even when the thread hangs in the disk.
/// </summary>
internal sealed class StoreQueue : IDisposable
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _clock;
    private readonly string _where;
    private readonly ConcurrentQueue<StoreOperation> _waiting = new();
    private readonly ManualResetEventSlim _wake = new(initialState: true, spinCount: 10);

    /// <summary>
    /// Null with the system's clock: then the thread itself sleeps no longer than until the alarm, which spares a thread of
    /// the pool its spinning after each look at the file.
    /// </summary>
    private readonly ITimer? _alarm;

    private readonly ITimer _watchdog;
    private long _alarmAt = long.MaxValue;
    private StoreOperation[] _inHand = [];
    private volatile bool _closed;

    public StoreQueue(TimeProvider clock, string where)
    {
        _clock = clock;
        _where = where;
        if (clock != TimeProvider.System)
        {
            _alarm = clock.CreateTimer(
                static state => ((StoreQueue)state!).Ring(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        _watchdog = clock.CreateTimer(static state => ((StoreQueue)state!).FailOverdue(), this, WatchInterval, WatchInterval);
    }

    public bool IsEmpty => _waiting.IsEmpty;

    /// <summary>Hands an operation over; when the store is closed, it fails at once.</summary>
    public void Post(StoreOperation operation)
    {
        _waiting.Enqueue(operation);
        Wake();
        if (_closed)
        {
            FailAll();
        }
    }

    public void Wake()
    {
        if (!_wake.IsSet)
        {
            _wake.Set();
        }
    }

    /// <summary>Waits until something was posted or the alarm rang.</summary>
    public void Wait()
    {
        if (_alarm is not null)
        {
            _wake.Wait();
        }
        else
        {
            var left = Volatile.Read(ref _alarmAt) - Elapsed(_clock);
            _wake.Wait((int)Math.Clamp(left, 0, int.MaxValue));
        }

        _wake.Reset();
    }

    public static long Elapsed(TimeProvider clock) => (long)(clock.GetTimestamp() * (1000.0 / clock.TimestampFrequency));

    /// <summary>Rings at a moment, in <see cref="Elapsed"/> milliseconds, or earlier.</summary>
    public void WakeAt(long instant, long now)
    {
        if (_alarm is null)
        {
            _alarmAt = instant;
            return;
        }

        if (instant <= now)
        {
            Wake();
            return;
        }

        var armed = Volatile.Read(ref _alarmAt);
        if (armed <= instant && armed > now)
        {
            return;
        }

        Volatile.Write(ref _alarmAt, instant);
        _alarm.Change(TimeSpan.FromMilliseconds(Math.Clamp(instant - now, 1, int.MaxValue)), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes what waits, up to a number and a weight.</summary>
    public void Take(List<StoreOperation> into, int most, int mostWeight)
    {
        var weight = 0;
        while (into.Count < most && weight < mostWeight && _waiting.TryDequeue(out var operation))
        {
            if (operation.TryTake())
            {
                into.Add(operation);
                weight += operation.Weight;
            }
        }
    }

    /// <summary>Tells the watchdog what the store's thread is at.</summary>
    public void InHand(List<StoreOperation> batch) => Volatile.Write(ref _inHand, batch.Count == 0 ? [] : [.. batch]);

    /// <summary>Fails everything that waits and everything that is yet to come.</summary>
    public void Close()
    {
        _closed = true;
        FailAll();
    }

    /// <summary>What an operation fails with that comes too late.</summary>
    public ObjectDisposedException Closed() => new(nameof(IBroker), Texts.BrokerClosed(_where));

    public void Dispose()
    {
        _alarm?.Dispose();
        _watchdog.Dispose();
    }

    private void Ring()
    {
        // Said first: a timer may ring a little before its instant, and must then be set again for the same one.
        Volatile.Write(ref _alarmAt, long.MaxValue);
        _wake.Set();
    }

    private void FailAll()
    {
        while (_waiting.TryDequeue(out var operation))
        {
            if (operation.TryTake())
            {
                operation.Fail(Closed());
            }
        }
    }

    private void FailOverdue()
    {
        var now = _clock.GetTimestamp();
        foreach (var operation in Volatile.Read(ref _inHand))
        {
            if (operation.Deadline < now)
            {
                operation.Fail(new StoreTimeoutException(started: true));
            }
        }

        foreach (var operation in _waiting)
        {
            if (operation.Deadline < now && operation.TryGiveUp())
            {
                operation.Fail(new StoreTimeoutException(started: false));
            }
        }
    }
}
