using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Diagnostics;
using RabbitArq.Execution;
using RabbitArq.Jobs;
using RabbitArq.Localization;
using RabbitArq.Messages.Formats;
using RabbitArq.Results;
using RabbitArq.Retries;
using RabbitArq.Routing;

namespace RabbitArq.Workers;

/// <summary>
/// One start of a worker, from settings to summary.
/// <code>
/// checking ─► opening ─► startup hook ─► consuming ─► draining ─► shutdown hook ─► ended
///                                            │            │ JobCompletionWait: running jobs go on
///                            stop, burst over│            │ then: running jobs are cancelled
///                            or pump failed ─┘            │ GracefulShutdownTimeout: the rest is left to the broker
/// </code>
/// Three tokens run through it: <i>stop</i> (take nothing more), <i>abort</i> (cancel what runs), <i>give up</i> (wait for
/// nothing more). A second signal is abort at once, and give up soon after.
/// </summary>
internal sealed class JobWorker : IDisposable
{
    /// <summary>How long cancelled jobs may take to end, and the broker to answer, once nobody is ready to wait.</summary>
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(2);

    private readonly WorkerSettings _settings;
    private readonly IServiceProvider _services;
    private readonly BrokerSource _brokers;
    private readonly ResultStoreSource _results;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly JobWorkerIdentity _identity;
    private readonly WorkerStatistics _statistics = new();
    private readonly DueTimes _retries;
    private readonly DueTimes _snoozed;
    private readonly CancellationTokenSource _abort = new();
    private readonly CancellationTokenSource _giveUp = new();
    private readonly TaskCompletionSource _stopNow = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private JobExecutor? _executor;
    private IReadOnlyList<ConsumerPump> _pumps = [];
    private BurstMonitor? _burst;

    public JobWorker(
        WorkerSettings settings, IServiceProvider services, BrokerSource brokers, ResultStoreSource results, ILoggerFactory loggers, TimeProvider time)
    {
        _settings = settings;
        _services = services;
        _brokers = brokers;
        _results = results;
        _loggers = loggers;
        _logger = loggers.CreateLogger("RabbitArq.Worker");
        _time = time;
        _retries = new DueTimes(time);
        _snoozed = new DueTimes(time);
        var name = settings.WorkerName ?? $"{Environment.MachineName}-{Environment.ProcessId}";
        _identity = new JobWorkerIdentity(name, $"{name}-{Guid.NewGuid().ToString("N")[..8]}");
    }

    /// <summary>Ends when the worker consumes, or fails with what kept it from it.</summary>
    public Task Started => _started.Task;

    public WorkerProgress Progress => new(
        _statistics.Total.Completed, _statistics.Total.DeadLettered, _statistics.Total.Retried, _pumps.Sum(pump => pump.Running),
        _pumps.Sum(pump => pump.Settled), _burst?.Total);

    /// <summary>Cancels running jobs now and hands them back: the second signal. May be called at any time, also after the end.</summary>
    public void Abort() => _stopNow.TrySetResult();

    /// <summary>Runs until stopped, or until the burst is over. Stopped before it has started, it ends with an empty summary.</summary>
    /// <exception cref="InvalidSettingsException">Jobs or settings are wrong.</exception>
    /// <exception cref="BrokerException">The broker could not be reached, or refused.</exception>
    public async Task<WorkerSummary> RunAsync(CancellationToken stop)
    {
        try
        {
            return await RunCoreAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !_started.Task.IsCompleted)
        {
            _started.TrySetCanceled(stop);
            return Summarise(0, false, TimeSpan.Zero);
        }
        catch (Exception exception)
        {
            _started.TrySetException(exception);

            // Seen here: whoever awaits RunAsync gets the exception; Started may have no reader.
            _ = _started.Task.Exception;
            throw;
        }
    }

    public void Dispose()
    {
        _abort.Dispose();
        _giveUp.Dispose();
    }

    private async Task<WorkerSummary> RunCoreAsync(CancellationToken stop)
    {
        var startedTicks = _time.GetTimestamp();
        var registry = BuildRegistry();
        PoolThreads.Reserve(_settings.MaxConcurrentJobs);
        var broker = await _brokers.GetAsync(stop).ConfigureAwait(false);
        var store = _settings.EnableResultStorage ? await _results.GetAsync(stop).ConfigureAwait(false) : null;
        var queues = QueuesOf(_settings);
        foreach (var queue in queues)
        {
            await broker.Topology.ApplyAsync(queue.Queue.ToPlan(), stop).ConfigureAwait(false);
        }

        var context = new WorkerContext(_identity.Name, _identity.Id, _identity.State, _services);
        if (_settings.Hooks.Startup is { } startup)
        {
            await startup(context, stop).ConfigureAwait(false);
        }

        WorkerSummary summary;
        try
        {
            var (running, burstTimedOut) = await WorkAsync(registry, broker, store, queues, stop).ConfigureAwait(false);
            summary = Summarise(running, burstTimedOut, _time.GetElapsedTime(startedTicks));
        }
        catch (Exception exception)
        {
            // What the startup hook has opened is closed in this case too; the first failure is the one to report.
            await ShutDownAsync(context, exception).ConfigureAwait(false);
            throw;
        }

        try
        {
            await ShutDownAsync(context, null).ConfigureAwait(false);
        }
        finally
        {
            _logger.WorkerSummary(
                _identity.Name, summary.Completed, summary.Failed, summary.Retried, summary.Interrupted, summary.Running);
        }

        return summary;
    }

    /// <summary>Consumes until the end, then drains.</summary>
    private async Task<(int Running, bool BurstTimedOut)> WorkAsync(
        JobRegistry registry, IBroker broker, IResultStore? store,
        IReadOnlyList<(JobQueue Queue, int Concurrency, int Prefetch)> queues, CancellationToken stop)
    {
        _executor = MakeExecutor(registry, store);
        var gates = registry.Definitions
            .Where(job => job.Options.MaxConcurrentJobs is not null || job.Options.MaxPerSecond is not null)
            .ToDictionary(job => job.Name, job => new JobGate(job.Options.MaxConcurrentJobs, job.Options.MaxPerSecond, _time), StringComparer.Ordinal);
        var end = WorkEnd.Stopped;
        var running = 0;
        try
        {
            _pumps = MakePumps(queues, registry, broker, store, gates);
            foreach (var pump in _pumps)
            {
                await pump.StartAsync(stop).ConfigureAwait(false);
            }

            _logger.WorkerStarted(_identity.Name, BrokerUrl.Mask(_brokers.Settings.Url), string.Join(", ", queues.Select(q => q.Queue.Name)),
                string.Join(", ", registry.Names.Order(StringComparer.Ordinal)), _settings.MaxConcurrentJobs);
            _started.TrySetResult();
            end = await WaitForEndAsync(broker, stop).ConfigureAwait(false);
        }
        finally
        {
            // A burst that need not wait for its running jobs hands them back.
            var patience = end == WorkEnd.BurstOver && !_settings.BurstWaitForTasks ? TimeSpan.Zero : _settings.JobCompletionWait;
            running = await DrainAsync(patience).ConfigureAwait(false);
            foreach (var gate in gates.Values)
            {
                gate.Dispose();
            }
        }

        return (running, end == WorkEnd.BurstTimedOut);
    }

    private JobRegistry BuildRegistry()
    {
        var errors = new List<string>();
        var registry = JobRegistry.Build(_settings.Functions, _services, _settings.Json, errors);
        return errors.Count == 0 ? registry : throw new InvalidSettingsException(errors);
    }

    private JobExecutor MakeExecutor(JobRegistry registry, IResultStore? store)
    {
        var retryPolicy = new RetryPolicy(
            _settings.Failures, _settings.Backoff ?? Backoff.Exponential(_settings.RetryBackoff), _settings.RetryUnknownErrors,
            _services.GetService<Random>() ?? new Random(_identity.Id.GetHashCode(StringComparison.Ordinal)));
        var progress = new ProgressReporter(store, _identity.Id, _settings.ResultTtl, _loggers.CreateLogger("RabbitArq.Job"), _time);
        return new JobExecutor(
            registry,
            [new ArqJsonFormat()],
            new JobDefaults(_settings.JobTimeout, _settings.MaxRetries, _settings.StuckGrace, store is not null, _settings.Json),
            _settings.Hooks,
            [.. _settings.Middleware],
            retryPolicy,
            _identity,
            _services,
            _loggers,
            _time,
            progress.ReportAsync);
    }

    private List<ConsumerPump> MakePumps(
        IReadOnlyList<(JobQueue Queue, int Concurrency, int Prefetch)> queues, JobRegistry registry, IBroker broker, IResultStore? store,
        Dictionary<string, JobGate> gates)
    {
        // One queue needs no limit above its own slots.
        var workerSlots = queues.Sum(q => q.Concurrency) > _settings.MaxConcurrentJobs ? new SemaphoreSlim(_settings.MaxConcurrentJobs) : null;

        // A fetched job stays unsettled while those before it run: as often one after another as the prefetch has rounds of slots.
        var longest = registry.Definitions.Select(job => job.Options.Timeout ?? _settings.JobTimeout).Append(_settings.JobTimeout).Max()
            + _settings.StuckGrace;
        var identity = new SettlerIdentity(_identity.Id, _loggers.CreateLogger("RabbitArq.Job")) { Retried = _retries.Add, Snoozed = _snoozed.Add };
        return [.. queues.Select(queue => new ConsumerPump(
            new PumpSpec(queue.Queue.Name, queue.Concurrency, queue.Prefetch, longest * Math.Ceiling((double)queue.Prefetch / queue.Concurrency)),
            broker,
            _executor!,
            new OutcomeSettler(broker, queue.Queue, store, identity, _settings.ResultTtl, _time),
            _statistics,
            gates,
            workerSlots,
            _logger,
            _time,
            _abort.Token,
            _giveUp.Token))];
    }

    internal static IReadOnlyList<(JobQueue Queue, int Concurrency, int Prefetch)> QueuesOf(WorkerSettings settings)
    {
        var first = settings.Queues.FirstOrDefault(q => q.Name == settings.QueueName) ?? new WorkerQueue(settings.QueueName);
        first = first with { DeadLetterQueueName = first.DeadLetterQueueName ?? settings.DeadLetterQueueName };
        return [.. settings.Queues.Where(q => q.Name != first.Name).Prepend(first).Select(queue =>
        {
            var concurrency = Math.Min(queue.MaxConcurrentJobs ?? settings.MaxConcurrentJobs, settings.MaxConcurrentJobs);
            return (new JobQueue(queue.Name)
            {
                DeadLetterQueueName = queue.DeadLetterQueueName ?? queue.Name + ".dlq",
                Type = settings.QueueType,
                Durable = settings.QueueDurable,
                Exclusive = settings.QueueExclusive,
                AutoDelete = settings.QueueAutoDelete,
                MaxPriority = settings.QueueMaxPriority > 0 ? settings.QueueMaxPriority : null,
            }, concurrency, Math.Max(queue.PrefetchCount ?? settings.PrefetchCount, concurrency));
        })];
    }

    /// <summary>Waits for the stop, the end of the burst, or the failure of a pump; whichever is first.</summary>
    private async Task<WorkEnd> WaitForEndAsync(IBroker broker, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var anyPump = Task.WhenAny(_pumps.Select(pump => pump.Completion));
        Task<WorkEnd> wait;
        if (_settings.BurstMode)
        {
            _burst = new BurstMonitor(_settings, broker, _pumps, (_retries, _snoozed), _logger, _time);
            wait = _burst.WaitAsync(end.Token);
        }
        else
        {
            wait = WaitForStopAsync(end.Token);
        }

        await Task.WhenAny(wait, anyPump, _stopNow.Task).ConfigureAwait(false);
        var pumpEnded = anyPump.IsCompleted && !stop.IsCancellationRequested && !wait.IsCompleted;
        await end.CancelAsync().ConfigureAwait(false);
        var how = await wait.ConfigureAwait(false);
        if (pumpEnded)
        {
            var failed = _pumps.First(pump => pump.Completion.IsCompleted);
            try
            {
                await failed.Completion.ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                _logger.ConsumerEnded(failed.QueueName, exception);
                throw;
            }
        }

        return how;
    }

    private static async Task<WorkEnd> WaitForStopAsync(CancellationToken stop)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = stop.UnsafeRegister(static source => ((TaskCompletionSource)source!).TrySetResult(), stopped);
        await stopped.Task.ConfigureAwait(false);
        return WorkEnd.Stopped;
    }

    /// <summary>Stops taking, lets running jobs finish, then cancels them, then leaves them to the broker. Never throws.</summary>
    /// <param name="patience">How long running jobs go on undisturbed.</param>
    /// <returns>How many jobs still ran at the end.</returns>
    private async Task<int> DrainAsync(TimeSpan patience)
    {
        var ticks = _time.GetTimestamp();
        var limit = _settings.GracefulShutdownTimeout;
        TimeSpan Left(TimeSpan of) => of - _time.GetElapsedTime(ticks) is { } left && left > TimeSpan.Zero ? left : TimeSpan.Zero;
        patience = patience < limit ? patience : limit;
        _logger.WorkerStopping(_identity.Name, _pumps.Sum(pump => pump.Running), patience, limit);
        var drained = Task.WhenAll(_pumps.Select(pump => pump.DrainAsync(_giveUp.Token)));
        using var over = new CancellationTokenSource();
        await Task.WhenAny(drained, _stopNow.Task, Task.Delay(Left(patience), _time, over.Token)).ConfigureAwait(false);
        if (!drained.IsCompleted)
        {
            _logger.CancellingRunning(_pumps.Sum(pump => pump.Running));
            await _abort.CancelAsync().ConfigureAwait(false);
            await Task.WhenAny(drained, StoppedNowAsync(over.Token), Task.Delay(Left(limit), _time, over.Token)).ConfigureAwait(false);
        }

        await over.CancelAsync().ConfigureAwait(false);
        await _giveUp.CancelAsync().ConfigureAwait(false);
        var running = _pumps.Sum(pump => pump.Running);
        if (running > 0)
        {
            _logger.LeftRunning(running);
        }

        await Task.WhenAll(_pumps.Select(pump => pump.DisposeAsync().AsTask()))
            .WaitAsync(Left(limit) + LastPatience, _time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return running;
    }

    /// <summary>Ends a little after somebody has asked for the end at once.</summary>
    private async Task StoppedNowAsync(CancellationToken cancellationToken)
    {
        await _stopNow.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        await Task.Delay(LastPatience, _time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Calls the shutdown hook. Its failure is the worker's, unless the worker has failed before.</summary>
    private async Task ShutDownAsync(WorkerContext context, Exception? failure)
    {
        if (_settings.Hooks.Shutdown is not { } shutdown)
        {
            return;
        }

        var limit = _settings.GracefulShutdownTimeout;
        using var timeout = new CancellationTokenSource(limit, _time);
        try
        {
            // On the pool: a hook that blocks its thread must not keep the worker from ending.
            await Task.Run(() => shutdown(context, timeout.Token), CancellationToken.None).WaitAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (timeout.IsCancellationRequested && failure is null)
        {
            throw new TimeoutException(Texts.ShutdownHookTooLong(limit), exception);
        }
#pragma warning disable CA1031 // The worker has failed already; that is what is reported.
        catch (Exception exception) when (failure is not null)
#pragma warning restore CA1031
        {
            _logger.HookFailed(nameof(WorkerHooks.Shutdown), "-", "-", exception);
        }
    }

    private WorkerSummary Summarise(int running, bool burstTimedOut, TimeSpan elapsed)
    {
        var total = _statistics.Total;
        return new WorkerSummary
        {
            WorkerName = _identity.Name,
            Elapsed = elapsed,
            Completed = total.Completed,
            Failed = total.DeadLettered,
            Retried = total.Retried,
            Expired = total.Expired,
            Interrupted = total.Interrupted,
            Stuck = total.Stuck,
            Running = running,
            HookFailures = _executor?.HookFailures ?? 0,
            BurstTimedOut = burstTimedOut,
            Jobs = _statistics.ByName.ToDictionary(job => job.Key, job => new JobSummary(
                job.Value.Completed, job.Value.DeadLettered, job.Value.Retried,
                job.Value.Durations.Percentile(0.5), job.Value.Durations.Percentile(0.95), job.Value.Durations.Percentile(0.99), job.Value.Durations.Max)),
        };
    }
}
