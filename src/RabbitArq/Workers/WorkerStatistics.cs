using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using RabbitArq.Execution;

namespace RabbitArq.Workers;

/// <summary>What a worker has done since it started, in all and by job name. Thread-safe.</summary>
internal sealed class WorkerStatistics
{
    private static readonly Meter Meter = new(Diagnostics.ArqDiagnostics.Name);
    private static readonly Counter<long> Runs = Meter.CreateCounter<long>("rabbitarq.job.runs", "{run}", "Runs of jobs by outcome.");
    private static readonly Histogram<double> Durations = Meter.CreateHistogram<double>("rabbitarq.job.duration", "s", "Duration of runs.");

    private readonly ConcurrentDictionary<string, JobStatistics> _byName = new(StringComparer.Ordinal);

    public JobStatistics Total { get; } = new();

    public IReadOnlyDictionary<string, JobStatistics> ByName => _byName;

    public void Count(JobRun run)
    {
        var name = run.Definition?.Name ?? "(unknown)";
        var outcome = Total.Count(run);
        _byName.GetOrAdd(name, static _ => new JobStatistics()).Count(run);
        if (Runs.Enabled)
        {
            Runs.Add(1, new("messaging.operation.name", name), new("rabbitarq.outcome", outcome));
        }

        if (Durations.Enabled)
        {
            Durations.Record(run.Duration.TotalSeconds, new KeyValuePair<string, object?>("messaging.operation.name", name));
        }
    }
}

/// <summary>Counts and durations of runs.</summary>
internal sealed class JobStatistics
{
    private readonly DurationHistogram _durations = new();
    private long _completed;
    private long _deadLettered;
    private long _retried;
    private long _expired;
    private long _interrupted;
    private long _snoozed;
    private long _stuck;

    public long Completed => Interlocked.Read(ref _completed);

    public long DeadLettered => Interlocked.Read(ref _deadLettered);

    public long Retried => Interlocked.Read(ref _retried);

    public long Expired => Interlocked.Read(ref _expired);

    public long Interrupted => Interlocked.Read(ref _interrupted);

    public long Snoozed => Interlocked.Read(ref _snoozed);

    public long Stuck => Interlocked.Read(ref _stuck);

    public DurationHistogram Durations => _durations;

    public string Count(JobRun run)
    {
        if (run.Stuck)
        {
            Interlocked.Increment(ref _stuck);
        }

        switch (run.Outcome)
        {
            case JobOutcome.Succeeded:
                Interlocked.Increment(ref _completed);
                _durations.Add(run.Duration);
                return "completed";
            case JobOutcome.Retry:
                Interlocked.Increment(ref _retried);
                _durations.Add(run.Duration);
                return "retried";
            case JobOutcome.DeadLettered:
                Interlocked.Increment(ref _deadLettered);
                return "dead_lettered";
            case JobOutcome.Expired:
                Interlocked.Increment(ref _expired);
                return "expired";
            case JobOutcome.Snoozed:
                Interlocked.Increment(ref _snoozed);
                return "snoozed";
            default:
                Interlocked.Increment(ref _interrupted);
                return "interrupted";
        }
    }
}
