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
    /// <exception cref="OperationCanceledException">The worker could not wait any longer.</exception>
    public async Task<object?> RunAsync(JobContext context, CancellationToken abortRunning)
    {
        using var cancel = new CancellationTokenSource(context.Timeout, _time);
        using var abort = abortRunning.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), cancel);
        context.CancellationToken = cancel.Token;
        var body = Start(context);
        try
        {
            return await body.WaitAsync(cancel.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return await AwaitCancelledAsync(body, context, abortRunning).ConfigureAwait(false);
        }
    }

    /// <summary>The token was cancelled: the body has a moment to react, then it is abandoned.</summary>
    private async Task<object?> AwaitCancelledAsync(Task<object?> body, JobContext context, CancellationToken abortRunning)
    {
        try
        {
            return await body.WaitAsync(_stuckGrace, _time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!body.IsCompleted)
        {
            context.IsAbandoned = true;
            _ = ObserveAbandonedAsync(body, context);
            abortRunning.ThrowIfCancellationRequested();
            throw new JobTimeoutException(context.Function, context.Timeout, stuck: true);
        }
        catch (OperationCanceledException exception) when (!abortRunning.IsCancellationRequested)
        {
            throw new JobTimeoutException(context.Function, context.Timeout, stuck: false, exception);
        }
    }

    private Task<object?> Start(JobContext context)
    {
        var options = context.Definition!.IsSynchronous
            ? TaskCreationOptions.DenyChildAttach | TaskCreationOptions.LongRunning
            : TaskCreationOptions.DenyChildAttach;
        return Task.Factory.StartNew(
            static state => (((JobBody, JobContext))state!) is var (body, context) ? body.WithStartHookAsync(context) : null!,
            (this, context), CancellationToken.None, options, TaskScheduler.Default).Unwrap();
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
