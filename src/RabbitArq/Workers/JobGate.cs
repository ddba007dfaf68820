using RabbitArq.Execution;

namespace RabbitArq.Workers;

/// <summary>
/// The limits of one job name in one worker: how many run at a time, how many start per second. A job that must wait is
/// parked here without a slot and resumed in order. Shared by the pumps of a worker; every field is guarded by the lock.
/// </summary>
internal sealed class JobGate : IDisposable
{
    private readonly Lock _lock = new();
    private readonly int _maxConcurrent;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly LinkedList<(PreparedJob Job, Action<PreparedJob> Resume)> _parked = new();
    private int _running;

    // A timestamp of the monotonic clock: the clock on the wall may be set back. Null: no start yet.
    private long? _lastStart;

    public JobGate(int? maxConcurrent, double? maxPerSecond, TimeProvider time)
    {
        _maxConcurrent = maxConcurrent ?? int.MaxValue;
        _interval = maxPerSecond is { } rate ? TimeSpan.FromSeconds(1 / rate) : TimeSpan.Zero;
        _time = time;
        _timer = time.CreateTimer(static gate => ((JobGate)gate!).ResumeParked(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Lets a job in, or parks it until <paramref name="resume"/> is called with it.</summary>
    public bool TryEnter(PreparedJob job, Action<PreparedJob> resume)
    {
        lock (_lock)
        {
            if (_parked.Count == 0 && MayStart())
            {
                Start();
                return true;
            }

            _parked.AddLast((job, resume));
            ArmTimer();
            return false;
        }
    }

    /// <summary>How long the last of those that wait will wait at least, by the rate.</summary>
    public TimeSpan LongestWait
    {
        get
        {
            lock (_lock)
            {
                return _interval * _parked.Count;
            }
        }
    }

    /// <summary>A job that was let in has ended, or was not run after all.</summary>
    public void Exit()
    {
        lock (_lock)
        {
            _running--;
        }

        ResumeParked();
    }

    /// <summary>Takes back what is parked, newest last: everything of one pump, or only what is above a number.</summary>
    public List<PreparedJob> TakeParked(Action<PreparedJob> resume, int keep)
    {
        var taken = new List<PreparedJob>();
        lock (_lock)
        {
            var mine = _parked.Count(entry => entry.Resume == resume);
            for (var node = _parked.Last; node is not null && mine > keep;)
            {
                var previous = node.Previous;
                if (node.Value.Resume == resume)
                {
                    taken.Add(node.Value.Job);
                    _parked.Remove(node);
                    mine--;
                }

                node = previous;
            }
        }

        taken.Reverse();
        return taken;
    }

    public void Dispose() => _timer.Dispose();

    private bool MayStart() => _running < _maxConcurrent && UntilNextStart() <= TimeSpan.Zero;

    private void Start()
    {
        _running++;
        _lastStart = _time.GetTimestamp();
    }

    private TimeSpan UntilNextStart() =>
        _interval > TimeSpan.Zero && _lastStart is { } last ? _interval - _time.GetElapsedTime(last) : TimeSpan.Zero;

    private void ArmTimer()
    {
        if (_parked.Count > 0 && _running < _maxConcurrent)
        {
            // In whole milliseconds, rounded up: a timer that rings early would only be set again.
            var wait = TimeSpan.FromMilliseconds(Math.Ceiling(UntilNextStart().TotalMilliseconds));
            _timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private void ResumeParked()
    {
        while (true)
        {
            (PreparedJob Job, Action<PreparedJob> Resume) next;
            lock (_lock)
            {
                if (_parked.First is not { } first || !MayStart())
                {
                    ArmTimer();
                    return;
                }

                next = first.Value;
                _parked.RemoveFirst();
                Start();
            }

            next.Resume(next.Job);
        }
    }
}
