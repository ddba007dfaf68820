using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Diagnostics;
using RabbitArq.Execution;

namespace RabbitArq.Workers;

/// <summary>How one queue is pumped.</summary>
/// <param name="QueueName">The queue.</param>
/// <param name="Concurrency">How many of its jobs run at a time.</param>
/// <param name="Prefetch">How many are fetched ahead.</param>
/// <param name="LongestJob">The longest that one of its jobs may take.</param>
internal sealed record PumpSpec(string QueueName, int Concurrency, int Prefetch, TimeSpan? LongestJob);

/// <summary>
/// The loop of one queue. <b>Intake</b>, one loop: next delivery → read it → limits of its name → ready. <b>Slots</b>, as many
/// loops as jobs may run at a time: next ready job → run → settle. A slot is busy until its job is settled.
/// <code>
/// consuming ── DrainAsync ──► draining (what is ready or parked is handed back; slots finish what they run) ──► done
/// </code>
/// </summary>
internal sealed class ConsumerPump : IAsyncDisposable
{
    /// <summary>How long a job is sent away at least that found no place among the parked.</summary>
    private static readonly TimeSpan ShortSnooze = TimeSpan.FromSeconds(1);

    /// <summary>And at most: the limit of its name may be free sooner than it looks.</summary>
    private static readonly TimeSpan LongSnooze = TimeSpan.FromSeconds(30);

    private readonly PumpSpec _spec;
    private readonly IBroker _broker;
    private readonly JobExecutor _executor;
    private readonly OutcomeSettler _settler;
    private readonly WorkerStatistics _statistics;
    private readonly IReadOnlyDictionary<string, JobGate> _gates;
    private readonly SemaphoreSlim? _workerSlots;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationToken _abortRunning;
    private readonly CancellationToken _giveUp;
    private readonly Channel<PreparedJob> _ready = Channel.CreateUnbounded<PreparedJob>(new() { SingleWriter = false, SingleReader = false });
    private readonly Action<PreparedJob> _resume;
    private readonly CancellationTokenSource _stopIntake = new();

    // Each place is written by its own slot only.
    private readonly JobContext?[] _active;
    private IBrokerConsumer? _consumer;
    private Task _running = Task.CompletedTask;
    private long _received;
    private long _settled;
    private volatile bool _draining;

    public ConsumerPump(
        PumpSpec spec,
        IBroker broker,
        JobExecutor executor,
        OutcomeSettler settler,
        WorkerStatistics statistics,
        IReadOnlyDictionary<string, JobGate> gates,
        SemaphoreSlim? workerSlots,
        ILogger logger,
        TimeProvider time,
        CancellationToken abortRunning,
        CancellationToken giveUp)
    {
        _spec = spec;
        _broker = broker;
        _executor = executor;
        _settler = settler;
        _statistics = statistics;
        _gates = gates;
        _workerSlots = workerSlots;
        _logger = logger;
        _time = time;
        _abortRunning = abortRunning;
        _giveUp = giveUp;
        _active = new JobContext?[spec.Concurrency];
        _resume = Resume;
    }

    public string QueueName => _spec.QueueName;

    /// <summary>Deliveries taken so far; tells a burst whether something came in between two looks.</summary>
    public long Received => Interlocked.Read(ref _received);

    public IEnumerable<JobContext> Active => _active.OfType<JobContext>();

    public int Running => _active.Count(context => context is not null);

    /// <summary>Deliveries done with so far.</summary>
    public long Settled => Interlocked.Read(ref _settled);

    /// <summary>Taken and not settled: what runs, and what waits here for a slot or a limit.</summary>
    public long Unsettled
    {
        get
        {
            // Settled first: read the other way round, a job that came and went in between would make it negative.
            var settled = Interlocked.Read(ref _settled);
            return Received - settled;
        }
    }

    /// <summary>Ends when the pump has drained after <see cref="DrainAsync"/>, or fails with what ended the consumer.</summary>
    public Task Completion => _running;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _consumer = await _broker.ConsumeAsync(
            new ConsumerSpec(_spec.QueueName, _spec.Prefetch) { LongestDelivery = _spec.LongestJob }, cancellationToken).ConfigureAwait(false);
        _logger.Consuming(_spec.QueueName, _spec.Prefetch);
        var slots = Enumerable.Range(0, _spec.Concurrency).Select(slot => Task.Run(() => SlotAsync(slot), CancellationToken.None));
        _running = Task.WhenAll(slots.Append(Task.Run(() => IntakeAsync(_consumer.Deliveries), CancellationToken.None)));
    }

    /// <summary>Takes nothing more, hands back at once what is not running, and waits for what is. Never throws.</summary>
    /// <param name="cancellationToken">Gives up waiting for the broker's answer; the intake ends all the same.</param>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        _draining = true;
        try
        {
            if (_consumer is not null)
            {
                await _consumer.CancelAsync(cancellationToken).ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // Whatever keeps the broker from answering must not keep running jobs from ending well.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.ConsumerEnded(_spec.QueueName, exception);
        }

        await _stopIntake.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Closes the consumer: the broker takes back whatever is not settled.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopIntake.CancelAsync().ConfigureAwait(false);
        _ready.Writer.TryComplete();
        if (_consumer is not null)
        {
            await _consumer.DisposeAsync().ConfigureAwait(false);
        }

        _stopIntake.Dispose();
    }

    private async Task IntakeAsync(ChannelReader<Delivery> deliveries)
    {
        try
        {
            while (await deliveries.WaitToReadAsync(_stopIntake.Token).ConfigureAwait(false))
            {
                while (deliveries.TryRead(out var delivery))
                {
                    Interlocked.Increment(ref _received);
                    await TakeAsync(delivery).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (_stopIntake.IsCancellationRequested)
        {
            // The consumer was cancelled, or could not be: whatever it still has goes back when it is disposed.
            return;
        }
        finally
        {
            await HandBackWaitingAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What waits for a limit or a slot goes back now, not when a slot gets free: other workers can take it at once.</summary>
    private async ValueTask HandBackWaitingAsync()
    {
        foreach (var gate in _gates.Values)
        {
            foreach (var job in gate.TakeParked(_resume, keep: 0))
            {
                await HandBackAsync(job).ConfigureAwait(false);
            }
        }

        _ready.Writer.TryComplete();
        while (_draining && _ready.Reader.TryRead(out var job))
        {
            GateOf(job)?.Exit();
            await HandBackAsync(job).ConfigureAwait(false);
        }
    }

    /// <summary>A parked job may run now. Called by the gate, on the thread of whoever left it.</summary>
    private void Resume(PreparedJob job)
    {
        if (!_ready.Writer.TryWrite(job))
        {
            // The pump has stopped in the meantime.
            GateOf(job)?.Exit();
            _ = HandBackAsync(job).AsTask();
        }
    }

    private async ValueTask TakeAsync(Delivery delivery)
    {
        var job = _executor.Prepare(delivery);
        if (GateOf(job) is not { } gate || gate.TryEnter(job, _resume))
        {
            _ready.Writer.TryWrite(job);
            return;
        }

        // Parked jobs count as prefetched. So that one limited name cannot keep all others out, half of the prefetch is
        // theirs at most, and the rest comes back later.
        foreach (var tooMany in gate.TakeParked(_resume, keep: Math.Max(1, _spec.Prefetch / 2)))
        {
            // No sooner than those that are parked have gone, or a long backlog would go round and round.
            var wait = gate.LongestWait;
            var now = _time.GetUtcNow();
            wait = wait < ShortSnooze ? ShortSnooze : wait > LongSnooze ? LongSnooze : wait;
            await SettleAsync(tooMany, new JobRun(new JobOutcome.Snoozed(now + wait), tooMany.Envelope, now, TimeSpan.Zero)).ConfigureAwait(false);
        }
    }

    private async Task SlotAsync(int slot)
    {
        void Started(JobContext context) => _active[slot] = context;
        while (await _ready.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (_workerSlots is not null)
            {
                await _workerSlots.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            }

            try
            {
                if (_ready.Reader.TryRead(out var job))
                {
                    await RunAsync(job, Started).ConfigureAwait(false);
                }
            }
            finally
            {
                _active[slot] = null;
                _workerSlots?.Release();
            }
        }
    }

    private async ValueTask RunAsync(PreparedJob job, Action<JobContext> started)
    {
        var gate = GateOf(job);
        try
        {
            if (_draining || !job.Delivery.IsLive)
            {
                await HandBackAsync(job).ConfigureAwait(false);
                return;
            }

            var run = await _executor.RunAsync(job, _abortRunning, started).ConfigureAwait(false);
            gate?.Exit();
            gate = null;
            await SettleAsync(job, run).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Nothing may end a slot; the job comes back from the broker.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.FollowUpFailed(job.Envelope?.Function ?? "?", job.Envelope?.JobId ?? "?", exception);
            await HandBackAsync(job).ConfigureAwait(false);
        }
        finally
        {
            gate?.Exit();
        }
    }

    private async ValueTask SettleAsync(PreparedJob job, JobRun run)
    {
        try
        {
            if (await _settler.SettleAsync(job, run, _giveUp).ConfigureAwait(false))
            {
                _statistics.Count(run);
            }
        }
#pragma warning disable CA1031 // Nothing may end a slot; an unsettled delivery comes back from the broker.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.FollowUpFailed(run.Envelope?.Function ?? "?", run.Envelope?.JobId ?? "?", exception);
            await HandBackOnceAsync(job).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Increment(ref _settled);
        }
    }

    private async ValueTask HandBackAsync(PreparedJob job)
    {
        await HandBackOnceAsync(job).ConfigureAwait(false);
        Interlocked.Increment(ref _settled);
    }

    private async ValueTask HandBackOnceAsync(PreparedJob job)
    {
        try
        {
            await job.Delivery.SettleAsync(Settlement.Requeue, CancellationToken.None).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The channel is gone or will be: the broker takes the delivery back by itself.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.FollowUpFailed(job.Envelope?.Function ?? "?", job.Envelope?.JobId ?? "?", exception);
        }
    }

    private JobGate? GateOf(PreparedJob job) =>
        _gates.Count > 0 && job.Definition is { } definition ? _gates.GetValueOrDefault(definition.Name) : null;
}
