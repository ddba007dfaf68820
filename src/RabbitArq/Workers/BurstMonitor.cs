using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Diagnostics;

namespace RabbitArq.Workers;

/// <summary>Why a worker stops working.</summary>
internal enum WorkEnd
{
    /// <summary>It was told to.</summary>
    Stopped,

    /// <summary>Its burst has found nothing more to do.</summary>
    BurstOver,

    /// <summary>Its burst is out of time, with work left.</summary>
    BurstTimedOut,
}

/// <summary>
/// Watches the queues of a burst and says when it is over: empty at several looks in a row with nothing taken in between,
/// or out of time. One look is not enough: a message on its way from the broker is in neither count, the queue's or ours.
/// </summary>
internal sealed class BurstMonitor(
    WorkerSettings settings, IBroker broker, IReadOnlyList<ConsumerPump> pumps, (DueTimes Retries, DueTimes Snoozed) due, ILogger logger, TimeProvider time)
{
    private long _atLastLook = -1;

    /// <summary>What was taken and what waited at the last look, together; null before the first.</summary>
    public long? Total => Interlocked.Read(ref _atLastLook) is >= 0 and var seen ? Math.Max(seen, pumps.Sum(pump => pump.Received)) : null;

    /// <summary>How many looks in a row must find nothing.</summary>
    private const int LooksToBeSure = 3;

    /// <summary>Between the looks after a first that found nothing: a burst should not idle for whole intervals to be sure.</summary>
    private static readonly TimeSpan SoonAgain = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits until the burst is over, or stopped.</summary>
    public async Task<WorkEnd> WaitAsync(CancellationToken stop)
    {
        var started = time.GetTimestamp();
        var (emptyLooks, receivedThen) = (0, -1L);
        while (!stop.IsCancellationRequested)
        {
            var received = pumps.Sum(pump => pump.Received);
            var left = settings.BurstTimeout - time.GetElapsedTime(started);
            var empty = await LookAsync(left, stop).ConfigureAwait(false);
            emptyLooks = !empty ? 0 : received == receivedThen ? emptyLooks + 1 : 1;
            receivedThen = received;
            if (stop.IsCancellationRequested)
            {
                break;
            }

            if (emptyLooks >= LooksToBeSure && settings.BurstExitOnEmpty)
            {
                return WorkEnd.BurstOver;
            }

            if (left <= TimeSpan.Zero)
            {
                if (empty)
                {
                    return WorkEnd.BurstOver;
                }

                logger.BurstTimedOut(settings.BurstTimeout);
                return WorkEnd.BurstTimedOut;
            }

            var wait = empty && settings.BurstExitOnEmpty ? Min(settings.BurstCheckInterval, SoonAgain) : settings.BurstCheckInterval;
            await Task.Delay(Min(wait, left), time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return WorkEnd.Stopped;
    }

    private async Task<bool> LookAsync(TimeSpan left, CancellationToken stop)
    {
        try
        {
            var received = pumps.Sum(pump => pump.Received);
            long waiting = 0;
            foreach (var pump in pumps)
            {
                var queue = await broker.Inspector.FindQueueAsync(pump.QueueName, stop).ConfigureAwait(false);
                waiting += queue?.MessagesReady ?? 0;
                if (settings.BurstCountDelayed && queue?.MessagesDelayed is { } delayed)
                {
                    // The embedded broker knows how many are delayed, though not until when: they count while time is left.
                    waiting += delayed;
                }
            }

            Interlocked.Exchange(ref _atLastLook, received + waiting);

            // What was taken and waits here for a slot is the queue's work too; what runs is only if asked.
            var (unsettled, running) = (pumps.Sum(pump => pump.Unsettled), pumps.Sum(pump => pump.Running));
            waiting += Math.Max(0, unsettled - running);
            var working = settings.BurstWaitForTasks && unsettled > 0;

            // A job that was sent away because of its own limit is the queue's work; a retry is if asked.
            var returning = due.Snoozed.AnyWithin(left) || (settings.BurstCountDelayed && due.Retries.AnyWithin(left));
            return waiting == 0 && !working && !returning;
        }
        catch (BrokerException exception)
        {
            logger.BurstCheckFailed(exception);
            return false;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}

/// <summary>When jobs fall due that this worker has sent into the future: RabbitMQ does not tell what waits in the delay ladder.</summary>
internal sealed class DueTimes(TimeProvider time)
{
    /// <summary>A job is in its queue a little after it is due.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<DateTimeOffset, DateTimeOffset> _due = new();

    public void Add(DateTimeOffset at)
    {
        lock (_lock)
        {
            _due.Enqueue(at, at);
        }
    }

    public bool AnyWithin(TimeSpan span)
    {
        var now = time.GetUtcNow();
        lock (_lock)
        {
            while (_due.TryPeek(out var first, out _) && first + Margin < now)
            {
                _due.Dequeue();
            }

            return _due.TryPeek(out var next, out _) && next - now < span;
        }
    }
}
