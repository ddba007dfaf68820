using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Diagnostics;

namespace RabbitArq.Workers;

/// <summary>
/// Watches the queues of a burst and says when it is over: empty at two looks in a row with nothing taken in between (a
/// message on its way from the broker is in neither count), or out of time.
/// </summary>
internal sealed class BurstMonitor(
    WorkerSettings settings, IBroker broker, IReadOnlyList<ConsumerPump> pumps, RetrySchedule retries, ILogger logger, TimeProvider time)
{
    private long? _remaining;

    /// <summary>Messages that waited at the last look; null before the first.</summary>
    public long? Remaining => _remaining;

    /// <summary>Waits until the burst is over.</summary>
    /// <returns>Whether it was stopped by its timeout with work left.</returns>
    public async Task<bool> WaitAsync(CancellationToken stop)
    {
        var endsAt = time.GetUtcNow() + settings.BurstTimeout;
        var emptyAt = -1L;
        while (!stop.IsCancellationRequested)
        {
            var received = pumps.Sum(pump => pump.Received);
            var empty = await LookAsync(endsAt, stop).ConfigureAwait(false);
            if (empty && emptyAt == received && settings.BurstExitOnEmpty)
            {
                return false;
            }

            emptyAt = empty ? received : -1;
            var left = endsAt - time.GetUtcNow();
            if (left <= TimeSpan.Zero)
            {
                if (!empty)
                {
                    logger.BurstTimedOut(settings.BurstTimeout);
                }

                return !empty;
            }

            // A second look soon after the first empty one: a burst should not idle for a whole interval to be sure.
            var wait = empty && settings.BurstExitOnEmpty ? Min(settings.BurstCheckInterval, TimeSpan.FromMilliseconds(100)) : settings.BurstCheckInterval;
            await Task.Delay(Min(wait, left), time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return false;
    }

    private async Task<bool> LookAsync(DateTimeOffset endsAt, CancellationToken stop)
    {
        try
        {
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

            _remaining = waiting;
            var working = settings.BurstWaitForTasks && pumps.Any(pump => !pump.IsIdle);
            return waiting == 0 && !working && !(settings.BurstCountDelayed && retries.AnyDueBefore(endsAt, time.GetUtcNow()));
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

/// <summary>When the retries that this worker has scheduled fall due: RabbitMQ does not tell what waits in the delay ladder.</summary>
internal sealed class RetrySchedule
{
    /// <summary>A retry is in its queue a little after it is due.</summary>
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

    public bool AnyDueBefore(DateTimeOffset end, DateTimeOffset now)
    {
        lock (_lock)
        {
            while (_due.TryPeek(out var first, out _) && first + Margin < now)
            {
                _due.Dequeue();
            }

            return _due.TryPeek(out var next, out _) && next < end;
        }
    }
}
