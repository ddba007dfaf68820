namespace RabbitArq;

/// <summary>
/// What is called at the turning points of a worker and of its jobs. A hook that throws fails loudly and never loses a job:
/// at start-up the worker does not start; at job start the attempt fails with the hook's error; after a job the error is
/// logged and counted and the job's outcome stands; at shutdown the worker ends with the error.
/// </summary>
public sealed class WorkerHooks
{
    /// <summary>Before the worker takes its first job. Fill <see cref="WorkerContext.State"/> here.</summary>
    public Func<WorkerContext, CancellationToken, Task>? Startup { get; set; }

    /// <summary>After the last job, before the worker ends.</summary>
    public Func<WorkerContext, CancellationToken, Task>? Shutdown { get; set; }

    /// <summary>Before each run.</summary>
    public Func<JobContext, Task>? JobStart { get; set; }

    /// <summary>After each run that returned.</summary>
    public Func<JobContext, object?, Task>? JobSuccess { get; set; }

    /// <summary>After each run that failed, also when it will be tried again.</summary>
    public Func<JobContext, Exception, Task>? JobFailure { get; set; }

    /// <summary>After each run, after the success or failure hook; also after one that the shutdown interrupted, which has neither.</summary>
    public Func<JobContext, Task>? JobEnd { get; set; }
}

/// <summary>The worker, as its start-up and shutdown hooks see it.</summary>
/// <param name="WorkerName">Its name.</param>
/// <param name="WorkerId">Its id, unique for each start.</param>
/// <param name="State">State shared with all jobs (<see cref="JobContext.State"/>).</param>
/// <param name="Services">The application's services.</param>
public sealed record WorkerContext(
    string WorkerName,
    string WorkerId,
    System.Collections.Concurrent.ConcurrentDictionary<string, object?> State,
    IServiceProvider Services);
