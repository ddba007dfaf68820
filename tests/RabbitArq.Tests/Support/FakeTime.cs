namespace RabbitArq.Tests.Support;

/// <summary>A clock that stands still until it is told to go on. Timers ring on the thread that advances it.</summary>
internal sealed class FakeTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Timer> _timers = [];
    private readonly long _start;
    private DateTimeOffset _now;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FakeTime(DateTimeOffset? now = null)
    {
        _now = now ?? new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
        _start = _now.UtcTicks;
    }

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks - _start;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Goes on, and rings every timer that falls due on the way, in order.</summary>
    public void Advance(TimeSpan by)
    {
        var end = GetUtcNow() + by;
        while (true)
        {
            Timer? next;
            lock (_lock)
            {
                next = _timers.Where(timer => timer.DueAt <= end).MinBy(timer => timer.DueAt);
                _now = next is null || next.DueAt < _now ? next is null ? end : _now : next.DueAt!.Value;
                next?.Rang();
            }

            if (next is null)
            {
                return;
            }

            next.Ring();
        }
    }

    /// <summary>Waits until a timer waits for this long from now, so that advancing by it rings something.</summary>
    public async Task TimerOfAsync(TimeSpan span)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_timers.Any(timer => timer.DueAt == _now + span))
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(TimeSpan.FromSeconds(30), Xunit.TestContext.Current.CancellationToken);
        }
    }

    private void Changed()
    {
        var changed = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }

    private sealed class Timer(FakeTime time, Action ring) : ITimer
    {
        private TimeSpan _period;

        public DateTimeOffset? DueAt { get; private set; }

        public void Ring() => ring();

        public void Rang() => DueAt = _period > TimeSpan.Zero ? DueAt + _period : null;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            // As the runtime's timers do.
            ArgumentOutOfRangeException.ThrowIfGreaterThan(dueTime.TotalMilliseconds, uint.MaxValue - 1);
            lock (time._lock)
            {
                _period = period;
                DueAt = dueTime < TimeSpan.Zero ? null : time._now + dueTime;
                time._timers.Remove(this);
                if (DueAt is not null)
                {
                    time._timers.Add(this);
                }

                time.Changed();
            }

            return true;
        }

        public void Dispose()
        {
            lock (time._lock)
            {
                DueAt = null;
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
