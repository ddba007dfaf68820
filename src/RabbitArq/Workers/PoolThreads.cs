namespace RabbitArq.Workers;

/// <summary>
/// Keeps the pool responsive when asynchronous jobs block their threads. The pool starts with one thread per core and
/// then adds about two a second, so that ten blocking jobs on two cores would stop settling, heartbeats and shutdown for
/// seconds. Threads above the minimum are only made when asked for.
/// </summary>
internal static class PoolThreads
{
    /// <summary>A worker of a thousand jobs at a time is not meant to block a thousand threads.</summary>
    private const int MostForJobs = 128;

    /// <summary>Raises the pool's minimum to the cores and a thread for each job, never lowers it.</summary>
    public static void Reserve(int jobs)
    {
        ThreadPool.GetMinThreads(out var workers, out var completionPorts);
        var wanted = Environment.ProcessorCount + Math.Min(jobs, MostForJobs);
        if (workers < wanted)
        {
            ThreadPool.SetMinThreads(wanted, completionPorts);
        }
    }
}
