using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Diagnostics;
using RabbitArq.Execution;
using RabbitArq.Jobs;
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
/// Two tokens run through it: <i>stop</i> (take nothing more) and <i>abort</i> (cancel what runs).
/// </summary>
internal sealed class JobWorker : IDisposable
{
    private readonly WorkerSettings _settings;
    private readonly IServiceProvider _services;
    private readonly BrokerSource _brokers;
    private readonly ResultStoreSource _results;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly JobWorkerIdentity _identity;
    private readonly WorkerStatistics _statistics = new();
    private readonly RetrySchedule _retries = new();
    private readonly CancellationTokenSource _abort = new();
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
        var name = settings.WorkerName ?? $"{Environment.MachineName}-{Environment.ProcessId}";
        _identity = new JobWorkerIdentity(name, $"{name}-{Guid.NewGuid().ToString("N")[..8]}");
    }

    /// <summary>Ends when the worker consumes, or fails with what kept it from it.</summary>
    public Task Started => _started.Task;

    public WorkerProgress Progress => new(
        _statistics.Total.Completed, _statistics.Total.DeadLettered, _statistics.Total.Retried, _pumps.Sum(pump => pump.Running), _burst?.Remaining);

    /// <summary>Cancels running jobs now and hands them back: the second signal.</summary>
    public void Abort() => _abort.Cancel();

    /// <summary>Runs until stopped, or until the burst is over.</summary>
    /// <exception cref="InvalidSettingsException">Jobs or settings are wrong.</exception>
    /// <exception cref="BrokerException">The broker could not be reached, or refused.</exception>
    public async Task<WorkerSummary> RunAsync(CancellationToken stop)
    {
        try
        {
            return await RunCoreAsync(stop).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _started.TrySetException(exception);

            // Seen here: whoever awaits RunAsync gets the exception; Started may have no reader.
            _ = _started.Task.Exception;
            throw;
        }
    }

    public void Dispose() => _abort.Dispose();

    private async Task<WorkerSummary> RunCoreAsync(CancellationToken stop)
    {
        var startedTicks = _time.GetTimestamp();
        var registry = BuildRegistry();
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

        _executor = MakeExecutor(registry, store);
        var gates = registry.Definitions
            .Where(job => job.Options.MaxConcurrentJobs is not null || job.Options.MaxPerSecond is not null)
            .ToDictionary(job => job.Name, job => new JobGate(job.Options.MaxConcurrentJobs, job.Options.MaxPerSecond, _time), StringComparer.Ordinal);
        var (burstTimedOut, running) = (false, 0);
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
            burstTimedOut = await WaitForEndAsync(broker, stop).ConfigureAwait(false);
        }
        finally
        {
            running = await DrainAsync().ConfigureAwait(false);
            foreach (var gate in gates.Values)
            {
                gate.Dispose();
            }
        }

        return await EndAsync(context, running, burstTimedOut, _time.GetElapsedTime(startedTicks)).ConfigureAwait(false);
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
        var longest = registry.Definitions.Select(job => job.Options.Timeout ?? _settings.JobTimeout).Append(_settings.JobTimeout).Max()
            + _settings.StuckGrace;
        var identity = new SettlerIdentity(_identity.Id, _loggers.CreateLogger("RabbitArq.Job")) { Scheduled = _retries.Add };
        return [.. queues.Select(queue => new ConsumerPump(
            new PumpSpec(queue.Queue.Name, queue.Concurrency, queue.Prefetch, longest),
            broker,
            _executor!,
            new OutcomeSettler(broker, queue.Queue, store, identity, _settings.ResultTtl, _time),
            _statistics,
            gates,
            workerSlots,
            _logger,
            _time,
            _abort.Token))];
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
    private async Task<bool> WaitForEndAsync(IBroker broker, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop, _abort.Token);
        var anyPump = Task.WhenAny(_pumps.Select(pump => pump.Completion));
        if (!_settings.BurstMode)
        {
            var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var registration = end.Token.UnsafeRegister(static source => ((TaskCompletionSource)source!).TrySetResult(), stopped);
            await Task.WhenAny(stopped.Task, anyPump).ConfigureAwait(false);
        }
        else
        {
            _burst = new BurstMonitor(_settings, broker, _pumps, _retries, _logger, _time);
            var burst = _burst.WaitAsync(end.Token);
            if (await Task.WhenAny(burst, anyPump).ConfigureAwait(false) == burst)
            {
                return await burst.ConfigureAwait(false);
            }
        }

        if (anyPump.IsCompleted && !end.IsCancellationRequested)
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

        return false;
    }

    /// <summary>Stops taking, lets running jobs finish, then cancels them, then leaves them to the broker.</summary>
    /// <returns>How many jobs still ran at the end.</returns>
    private async Task<int> DrainAsync()
    {
        var ticks = _time.GetTimestamp();
        TimeSpan Left(TimeSpan limit) => limit - _time.GetElapsedTime(ticks) is { } left && left > TimeSpan.Zero ? left : TimeSpan.Zero;
        var limit = _settings.GracefulShutdownTimeout;
        using var giveUp = new CancellationTokenSource(limit, _time);
        _logger.WorkerStopping(_identity.Name, _pumps.Sum(pump => pump.Running), Min(_settings.JobCompletionWait, limit), limit);
        var drained = Task.WhenAll(_pumps.Select(async pump =>
        {
            await pump.StopTakingAsync(giveUp.Token).ConfigureAwait(false);
            await pump.Completion.ConfigureAwait(false);
        }));
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (_abort.Token.UnsafeRegister(static source => ((TaskCompletionSource)source!).TrySetResult(), aborted))
        {
            await Task.WhenAny(drained, aborted.Task, Task.Delay(Left(Min(_settings.JobCompletionWait, limit)), _time, giveUp.Token)).ConfigureAwait(false);
        }

        if (!drained.IsCompleted)
        {
            _logger.CancellingRunning(_pumps.Sum(pump => pump.Running));
            await _abort.CancelAsync().ConfigureAwait(false);
            await drained.WaitAsync(Left(limit), _time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var running = _pumps.Sum(pump => pump.Running);
        if (running > 0)
        {
            _logger.LeftRunning(running);
        }

        foreach (var pump in _pumps)
        {
            await pump.DisposeAsync().ConfigureAwait(false);
        }

        return running;
    }

    private async Task<WorkerSummary> EndAsync(WorkerContext context, int running, bool burstTimedOut, TimeSpan elapsed)
    {
        var total = _statistics.Total;
        var summary = new WorkerSummary
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
        try
        {
            if (_settings.Hooks.Shutdown is { } shutdown)
            {
                using var timeout = new CancellationTokenSource(_settings.GracefulShutdownTimeout, _time);
                await shutdown(context, timeout.Token).WaitAsync(timeout.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            _logger.WorkerSummary(_identity.Name, summary.Completed, summary.Failed, summary.Retried, summary.Interrupted, running);
        }

        return summary;
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
