using Microsoft.Extensions.Logging;
using RabbitArq.Diagnostics;

namespace RabbitArq.Execution;

/// <summary>
/// Runs a job's body with its start hook and middleware under its time-out. The body runs on the pool, or on a thread of
/// its own when it is synchronous, and never on the caller: so a body that blocks cannot keep the caller from noticing
/// the time-out and abandoning it.
/// </summary>
internal sealed class JobBody
{
    /// <summary>The longest that a timer of the runtime can wait is a little more.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(49);

    private static readonly TimeSpan ThreadIdle = TimeSpan.FromSeconds(10);

    private readonly BodyThreads _threads = new(ThreadIdle);
    private readonly WorkerHooks _hooks;
    private readonly TimeSpan _stuckGrace;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly JobDelegate _pipeline;

    public JobBody(IReadOnlyList<IJobMiddleware> middleware, WorkerHooks hooks, TimeSpan stuckGrace, ILogger logger, TimeProvider time)
    {
        _hooks = hooks;
        _stuckGrace = stuckGrace;
        _logger = logger;
        _time = time;
        JobDelegate pipeline = static context => context.Definition!.InvokeAsync(context, context.Arguments);
        for (var i = middleware.Count - 1; i >= 0; i--)
        {
            var (current, next) = (middleware[i], pipeline);
            pipeline = context => current.InvokeAsync(context, next);
        }

        _pipeline = pipeline;
    }

    /// <summary>Runs the body.</summary>
    /// <exception cref="JobTimeoutException">It ran longer than it may.</exception>
    /// <exception cref="JobInterruptedException">The worker could not wait any longer.</exception>
    public async Task<object?> RunAsync(JobContext context, CancellationToken abortRunning)
    {
        if (abortRunning.IsCancellationRequested)
        {
            throw new JobInterruptedException();
        }

        // The worker listens to a source of its own. Whoever listens to the job's may block or throw when it is cancelled,
        // and must neither keep the worker from noticing nor take the process down.
        using var over = new CancellationTokenSource(context.Timeout < LongestTimer ? context.Timeout : LongestTimer, _time);
        using var abort = abortRunning.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), over);
        var cancel = new CancellationTokenSource();
        context.CancellationToken = cancel.Token;
        var body = Start(context);
        try
        {
            return await body.WaitAsync(over.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            var isAborted = abortRunning.IsCancellationRequested;
            _ = CancelAsync(cancel, context);
            return await AwaitCancelledAsync(body, context, isAborted).ConfigureAwait(false);
        }
        finally
        {
            if (!context.IsAbandoned)
            {
                cancel.Dispose();
            }
        }
    }

    /// <summary>The token was cancelled: the body has a moment to react, then it is abandoned.</summary>
    private async Task<object?> AwaitCancelledAsync(Task<object?> body, JobContext context, bool isAborted)
    {
        try
        {
            return await body.WaitAsync(_stuckGrace, _time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!body.IsCompleted)
        {
            context.IsAbandoned = true;
            _logger.JobStuck(context.Function, context.JobId, _time.GetUtcNow() - context.StartedAt);
            _ = ObserveAbandonedAsync(body, context);
            throw isAborted ? new JobInterruptedException() : new JobTimeoutException(context.Function, context.Timeout, stuck: true);
        }
        catch (Exception exception) when (exception is not RetryException)
        {
            // Not only OperationCanceledException: what a library throws when its call is cancelled is its own affair.
            throw isAborted ? new JobInterruptedException() : new JobTimeoutException(context.Function, context.Timeout, stuck: false, exception);
        }
    }

    private async Task CancelAsync(CancellationTokenSource cancel, JobContext context)
    {
        try
        {
            await cancel.CancelAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whoever listens to the job's token is user code that may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.HookFailed("CancellationToken", context.Function, context.JobId, exception);
        }
    }

    private Task<object?> Start(JobContext context)
    {
        Func<object?, Task<object?>> start = static state =>
        {
            var (body, context) = ((JobBody, JobContext))state!;
            return body.WithStartHookAsync(context);
        };
        return (context.Definition!.IsSynchronous
            ? _threads.Run(start, (this, context))
            : Task.Factory.StartNew(start, (this, context), CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default)).Unwrap();
    }

    private async Task<object?> WithStartHookAsync(JobContext context)
    {
        if (_hooks.JobStart is { } start)
        {
            await start(context).ConfigureAwait(false);
        }

        return await _pipeline(context).ConfigureAwait(false);
    }

    /// <summary>Sees how an abandoned body ends, if it ever does, and disposes its services then.</summary>
    private async Task ObserveAbandonedAsync(Task<object?> body, JobContext context)
    {
        await ((Task)body).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _logger.AbandonedJobEnded(context.Function, context.JobId, _time.GetUtcNow() - context.StartedAt, body.Exception?.InnerException);
        try
        {
            await context.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Services of user code that may throw anything; nobody waits any more.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.HookFailed("DisposeServices", context.Function, context.JobId, exception);
        }
    }
}

/// <summary>The worker could not wait for a job any longer. It never leaves the executor.</summary>
internal sealed class JobInterruptedException : Exception;
