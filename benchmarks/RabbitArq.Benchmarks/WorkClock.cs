using System.Diagnostics;

namespace RabbitArq.Benchmarks;

/// <summary>
/// The time on the clock, and what this process has used: processor time and memory allocated. Those two say what the
/// client's side of the work costs, whatever else the machine does meanwhile.
/// </summary>
internal readonly record struct WorkClock(long Timestamp, TimeSpan Processor, long Allocated)
{
    public static WorkClock Now => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes());

    /// <summary>What a number of jobs took since this reading.</summary>
    public Sample Since(int jobs) => Until(Now, jobs);

    /// <summary>What a number of jobs took between two readings.</summary>
    public Sample Until(WorkClock end, int jobs)
    {
        var seconds = Math.Max(Stopwatch.GetElapsedTime(Timestamp, end.Timestamp).TotalSeconds, 1e-6);
        return new Sample(jobs / seconds)
        {
            CpuMicroseconds = (end.Processor - Processor).TotalMicroseconds / jobs,
            AllocatedBytes = (end.Allocated - Allocated) / (double)jobs,
        };
    }
}
