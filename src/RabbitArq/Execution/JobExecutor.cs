using System.Text.Json;
using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Diagnostics;
using RabbitArq.Jobs;
using RabbitArq.Messages;
using RabbitArq.Retries;

namespace RabbitArq.Execution;

/// <summary>What a job gets that sets nothing itself.</summary>
/// <param name="Timeout">How long one attempt may run.</param>
/// <param name="MaxRetries">How often it is tried again.</param>
/// <param name="StuckGrace">How long a body may ignore its cancelled token.</param>
/// <param name="StoresResults">Whether results are kept, and so must be written as JSON.</param>
/// <param name="Json">How results are written.</param>
internal sealed record JobDefaults(TimeSpan Timeout, int MaxRetries, TimeSpan StuckGrace, bool StoresResults, JsonSerializerOptions Json);

/// <summary>
/// One run of one job, from delivery to outcome. The stages, in order: decode → resolve (<see cref="Prepare"/>), then
/// expired? → bind → time-out → hooks, middleware and body → classify → decide (<see cref="RunAsync"/>). It knows no
/// broker verb and stores nothing: the settler does that with the outcome.
/// </summary>
internal sealed class JobExecutor
{
    private readonly JobRegistry _registry;
    private readonly IReadOnlyList<IWireFormat> _formats;
    private readonly JobDefaults _defaults;
    private readonly WorkerHooks _hooks;
    private readonly IRetryPolicy _retryPolicy;
    private readonly JobWorkerIdentity _worker;
    private readonly IServiceProvider _services;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ILogger _jobLogger;
    private readonly JobBody _body;
    private readonly Func<JobContext, JobProgress, CancellationToken, ValueTask>? _reportProgress;
    private long _hookFailures;

    public JobExecutor(
        JobRegistry registry,
        IReadOnlyList<IWireFormat> formats,
        JobDefaults defaults,
        WorkerHooks hooks,
        IReadOnlyList<IJobMiddleware> middleware,
        IRetryPolicy retryPolicy,
        JobWorkerIdentity worker,
        IServiceProvider services,
        ILoggerFactory loggers,
        TimeProvider time,
        Func<JobContext, JobProgress, CancellationToken, ValueTask>? reportProgress = null)
    {
        _registry = registry;
        _formats = formats;
        _defaults = defaults;
        _hooks = hooks;
        _retryPolicy = retryPolicy;
        _worker = worker;
        _services = services;
        _time = time;
        _reportProgress = reportProgress;
        _logger = loggers.CreateLogger("RabbitArq.Execution");
        _jobLogger = loggers.CreateLogger("RabbitArq.Job");
        _body = new JobBody(middleware, hooks, defaults.StuckGrace, _logger, time);
    }

    /// <summary>How many hooks have thrown after their job was done.</summary>
    public long HookFailures => Interlocked.Read(ref _hookFailures);

    /// <summary>Reads a delivery. Never throws: what cannot be read or is not known is decided here.</summary>
    public PreparedJob Prepare(Delivery delivery)
    {
        JobEnvelope envelope;
        IWireFormat format;
        try
        {
            format = FormatOf(delivery.Message);
            envelope = format.Decode(delivery.Message);
        }
        catch (UnreadableMessageException exception)
        {
            return new PreparedJob(delivery, null, null, DeadLetter(exception, FailureCategory.NonRetriable));
        }
#pragma warning disable CA1031 // A message must never end the loop that takes messages: it would come back and end it again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            var unreadable = new UnreadableMessageException(exception.Message, exception);
            return new PreparedJob(delivery, null, null, DeadLetter(unreadable, FailureCategory.NonRetriable));
        }

        try
        {
            return new PreparedJob(delivery, envelope, _registry.Resolve(envelope.Function), null) { Format = format };
        }
        catch (UnknownJobException exception)
        {
            return new PreparedJob(delivery, envelope, null, DeadLetter(exception, FailureCategory.NonRetriable)) { Format = format };
        }
    }

    /// <summary>Runs a job. Never throws: whatever happens becomes the outcome.</summary>
    /// <param name="job">The job.</param>
    /// <param name="abortRunning">Cancelled when the worker cannot wait any longer.</param>
    /// <param name="started">Called with the context as the body starts.</param>
    public async ValueTask<JobRun> RunAsync(PreparedJob job, CancellationToken abortRunning, Action<JobContext>? started = null)
    {
        var startedAt = _time.GetUtcNow();
        var startedTicks = _time.GetTimestamp();
        if (job.Decided is not null)
        {
            return new JobRun(job.Decided, job.Envelope, startedAt, TimeSpan.Zero) { Definition = job.Definition };
        }

        var envelope = job.Envelope!;
        var definition = job.Definition!;
        if (envelope.ExpiresAt is { } expiresAt && expiresAt <= startedAt)
        {
            return new JobRun(new JobOutcome.Expired(expiresAt), envelope, startedAt, TimeSpan.Zero) { Definition = definition };
        }

        var maxRetries = envelope.MaxRetries ?? definition.Options.MaxRetries ?? _defaults.MaxRetries;
        using var scope = _logger.BeginScope(new JobLogScope(envelope.JobId, envelope.Function, envelope.Attempt));
        var context = new JobContext(envelope, _worker, _services, _jobLogger, _reportProgress)
        {
            Definition = definition,
            MaxAttempts = maxRetries < int.MaxValue ? maxRetries + 1 : maxRetries,
            StartedAt = startedAt,
            Timeout = envelope.Timeout ?? definition.Options.Timeout ?? _defaults.Timeout,
            QueueName = job.Delivery.QueueName,
        };
        started?.Invoke(context);
        _logger.JobStarted(envelope.Function, envelope.JobId, envelope.Attempt);
        JobOutcome outcome;
        try
        {
            context.Arguments = definition.BindArguments(context);
            var result = await _body.RunAsync(context, abortRunning).ConfigureAwait(false);
            outcome = new JobOutcome.Succeeded(WriteResult(definition, envelope, result));
            if (_hooks.JobSuccess is { } success)
            {
                await GuardAsync(nameof(WorkerHooks.JobSuccess), context, c => success(c, result)).ConfigureAwait(false);
            }
        }
        catch (JobInterruptedException)
        {
            outcome = new JobOutcome.Interrupted();
        }
#pragma warning disable CA1031 // Whatever a job throws is its failure.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            outcome = Decide(exception, context);
            if (_hooks.JobFailure is { } failed)
            {
                await GuardAsync(nameof(WorkerHooks.JobFailure), context, c => failed(c, exception)).ConfigureAwait(false);
            }
        }

        if (_hooks.JobEnd is { } end)
        {
            await GuardAsync(nameof(WorkerHooks.JobEnd), context, end).ConfigureAwait(false);
        }

        if (!context.IsAbandoned)
        {
            await GuardAsync("DisposeServices", context, static c => c.DisposeAsync().AsTask()).ConfigureAwait(false);
        }

        return new JobRun(outcome, envelope, startedAt, _time.GetElapsedTime(startedTicks)) { Definition = definition, Stuck = context.IsAbandoned };
    }

    private IWireFormat FormatOf(BrokerMessage message)
    {
        foreach (var format in _formats)
        {
            if (format.Recognises(message))
            {
                return format;
            }
        }

        throw new UnreadableMessageException(Localization.Texts.NoFormatRecognises(
            message.ContentType ?? "-", string.Join(", ", _formats.Select(f => f.Name))));
    }

    private ReadOnlyMemory<byte> WriteResult(JobDefinition definition, JobEnvelope envelope, object? result)
    {
        if (result is null || !(_defaults.StoresResults && (envelope.StoreResult ?? definition.Options.StoreResult ?? true)))
        {
            return default;
        }

        try
        {
            return JsonSerializer.SerializeToUtf8Bytes(result, _defaults.Json.GetTypeInfo(result.GetType()));
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException or JsonException)
        {
            throw new ResultNotSerializableException(definition.Name, result.GetType(), exception);
        }
    }

    private JobOutcome Decide(Exception exception, JobContext context)
    {
        var options = context.Definition!.Options;
        try
        {
            var decision = _retryPolicy.Decide(
                exception, context.Attempt, context.MaxAttempts - 1, options.Failures, options.Backoff, _time.GetUtcNow());
            return decision.RetryAt is { } at
                ? new JobOutcome.Retry(at, decision.Error, decision.Category)
                : DeadLetter(decision.Error, decision.Category);
        }
#pragma warning disable CA1031 // The user's own backoff, or an exception whose Message throws.
        catch (Exception policyFailure)
#pragma warning restore CA1031
        {
            Interlocked.Increment(ref _hookFailures);
            _logger.HookFailed(nameof(Backoff), context.Function, context.JobId, policyFailure);
            return DeadLetter(policyFailure, FailureCategory.Unknown);
        }
    }

    private static JobOutcome.DeadLettered DeadLetter(Exception exception, FailureCategory category) =>
        new(DeadLetterReason.Of(exception, category), exception);

    /// <summary>The job is done: what fails from here on is logged and counted, and does not change its outcome.</summary>
    private async ValueTask GuardAsync(string hook, JobContext context, Func<JobContext, Task> call)
    {
        try
        {
            await call(context).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // User code that may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Interlocked.Increment(ref _hookFailures);
            _logger.HookFailed(hook, context.Function, context.JobId, exception);
        }
    }
}
