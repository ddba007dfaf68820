using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RabbitArq.Messages;

namespace RabbitArq;

/// <summary>What a running job knows of itself. Ask for it as a parameter of the job's method.</summary>
public sealed class JobContext : IAsyncDisposable
{
    private readonly IServiceProvider _rootServices;
    private readonly Func<JobContext, JobProgress, CancellationToken, ValueTask>? _report;
    private AsyncServiceScope? _scope;

    internal JobContext(JobEnvelope envelope, JobWorkerIdentity worker, IServiceProvider rootServices, ILogger logger,
        Func<JobContext, JobProgress, CancellationToken, ValueTask>? report = null)
    {
        Envelope = envelope;
        Worker = worker;
        _rootServices = rootServices;
        _report = report;
        Logger = logger;
    }

    /// <summary>The job as it travelled.</summary>
    internal JobEnvelope Envelope { get; }

    /// <summary>The job's id.</summary>
    public string JobId => Envelope.JobId;

    /// <summary>The job's wire name.</summary>
    public string Function => Envelope.Function;

    /// <summary>Which attempt this is, from 1.</summary>
    public int Attempt => Envelope.Attempt;

    /// <summary>How many attempts there are at most: the retries and the first.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>When the job was first enqueued.</summary>
    public DateTimeOffset EnqueuedAt => Envelope.EnqueuedAt;

    /// <summary>When this attempt started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long this attempt may run.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>The queue it came from.</summary>
    public required string QueueName { get; init; }

    /// <summary>The worker's name.</summary>
    public string WorkerName => Worker.Name;

    /// <summary>The worker's id, unique for each start of a worker.</summary>
    public string WorkerId => Worker.Id;

    /// <summary>The job that enqueued this one; null: none.</summary>
    public string? ParentId => Envelope.ParentId;

    /// <summary>The first job of the chain of parents; this job's own id when it is the first.</summary>
    public string RootId => Envelope.RootId ?? Envelope.JobId;

    /// <summary>Headers of the message.</summary>
    public IReadOnlyDictionary<string, object?> Headers => Envelope.Headers;

    /// <summary>State shared by all jobs of the worker, filled by the startup hook.</summary>
    public ConcurrentDictionary<string, object?> State => Worker.State;

    /// <summary>A logger whose scope names the job, its id and the attempt.</summary>
    public ILogger Logger { get; }

    /// <summary>Cancelled when the attempt times out, is aborted, or the worker shuts down.</summary>
    public CancellationToken CancellationToken { get; internal set; }

    /// <summary>Services of this run: a scope of its own, made at first use and disposed after the run.</summary>
    public IServiceProvider Services => (_scope ??= _rootServices.CreateAsyncScope()).ServiceProvider;

    /// <summary>The last progress that was reported.</summary>
    public JobProgress? Progress { get; private set; }

    internal JobWorkerIdentity Worker { get; }

    internal Jobs.JobDefinition? Definition { get; init; }

    /// <summary>The bound arguments; services and context are filled in when the body is called.</summary>
    internal object?[] Arguments { get; set; } = [];

    /// <summary>The body ignored its token: it may still use the services, so they are disposed when it ends.</summary>
    internal bool IsAbandoned { get; set; }

    /// <summary>Reports progress: to the log, the worker's list of running jobs, and the result store when there is one.</summary>
    /// <param name="fraction">How much is done, 0 to 1.</param>
    /// <param name="message">What is going on, for people.</param>
    /// <returns>A task that ends when the report is taken.</returns>
    public ValueTask ReportProgressAsync(double fraction, string? message = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fraction);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fraction, 1);
        var progress = new JobProgress(fraction, message);
        Progress = progress;
        return _report is null ? ValueTask.CompletedTask : _report(this, progress, CancellationToken);
    }

    /// <summary>Ends the service scope. The worker calls it.</summary>
    /// <returns>A task that ends when the scope's services are disposed.</returns>
    public ValueTask DisposeAsync() => _scope is { } scope ? scope.DisposeAsync() : ValueTask.CompletedTask;
}

/// <summary>How far a job is.</summary>
/// <param name="Fraction">How much is done, 0 to 1.</param>
/// <param name="Message">What is going on, for people.</param>
public sealed record JobProgress(double Fraction, string? Message);

/// <summary>The worker as its jobs see it.</summary>
internal sealed record JobWorkerIdentity(string Name, string Id)
{
    public ConcurrentDictionary<string, object?> State { get; } = new(StringComparer.Ordinal);
}
