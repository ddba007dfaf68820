using System.Collections.Concurrent;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

public abstract partial class WorkerConformance
{
    [Fact]
    public async Task W9_a_stopped_worker_finishes_what_runs_and_hands_back_at_once_what_waits()
    {
        const int Count = 50;
        var running = new CountdownEvent(2);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var taken = new ConcurrentDictionary<int, int>();
        (await Client.EnqueueManyAsync(Enumerable.Range(0, Count).Select(n => Job("work", n)), Cancel)).ThrowIfAnyFailed();
        await using var first = Start(worker =>
        {
            worker.MaxConcurrentJobs = 2;
            worker.PrefetchCount = 100;
            worker.Functions.Add("work", async (int n, CancellationToken cancellation) =>
            {
                running.Signal();
                await release.Task.WaitAsync(cancellation);
                taken.AddOrUpdate(n, 1, (_, runs) => runs + 1);
            });
        });
        await Task.Run(() => running.Wait(Deadline.Default, Cancel), Cancel).Within();
        await Deadline.Until(() => WaitingAsync(), count => count == 0);

        first.Stop();
        await using var second = Start(worker => worker.Functions.Add("work", (int n, JobContext context) =>
        {
            context.Attempt.ShouldBe(1);
            taken.AddOrUpdate(n, 1, (_, runs) => runs + 1);
        }));
        await Deadline.Until(() => Task.FromResult(taken.Count), count => count == Count - 2);
        first.Ended.IsCompleted.ShouldBeFalse();
        release.SetResult();

        var summary = await first.Ended.Within();
        (summary.Completed, summary.Interrupted, summary.Running).ShouldBe((2, 0, 0));
        (await second.StopAsync()).Completed.ShouldBe(Count - 2);
        taken.Count.ShouldBe(Count);
        taken.Values.ShouldAllBe(runs => runs == 1);
        (await WaitingAsync()).ShouldBe(0);
    }

    [Theory]
    [InlineData("cancelled")]
    [InlineData("another exception")]
    [InlineData("deaf")]
    public async Task W9_what_does_not_finish_in_time_is_cancelled_and_handed_back_without_counting_the_attempt(string reaction)
    {
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ends = 0;
        await Client.EnqueueAsync("work");
        await using var first = Start(worker =>
        {
            worker.JobCompletionWait = Moment;
            worker.StuckGrace = reaction == "deaf" ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(10);
            worker.Hooks.JobEnd = _ => Task.FromResult(Interlocked.Increment(ref ends));
            worker.Functions.Add("work", async (CancellationToken cancellation) =>
            {
                running.SetResult();
                try
                {
                    await end.Task.WaitAsync(reaction == "deaf" ? CancellationToken.None : cancellation);
                }
                catch (OperationCanceledException) when (reaction == "another exception")
                {
                    throw new IOException("the call was cancelled");
                }
            });
        });
        await running.Task.Within();

        var summary = await first.StopAsync();

        (summary.Completed, summary.Interrupted, summary.Retried, summary.Failed, summary.Running).ShouldBe((0, 1, 0, 0, 0));
        summary.Stuck.ShouldBe(reaction == "deaf" ? 1 : 0);
        ends.ShouldBe(1);
        int? attempt = null;
        (await BurstAsync(worker => worker.Functions.Add("work", (JobContext context) => attempt = context.Attempt))).Completed.ShouldBe(1);
        attempt.ShouldBe(1);
        end.SetResult();
    }

    [Fact]
    public async Task W9_a_worker_exits_within_its_limit_and_leaves_a_job_that_never_ends_to_the_broker()
    {
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Client.EnqueueAsync("work");
        await using var first = Start(worker =>
        {
            worker.JobCompletionWait = Moment;
            worker.StuckGrace = TimeSpan.FromMinutes(5);
            worker.GracefulShutdownTimeout = TimeSpan.FromSeconds(1);
            worker.Functions.Add("work", async () =>
            {
                running.SetResult();
                await end.Task;
            });
        });
        await running.Task.Within();

        var summary = await first.StopAsync();

        (summary.Completed, summary.Interrupted, summary.Running).ShouldBe((0, 0, 1));
        Log.Lines.ShouldContain(line => line.Id.Name == "LeftRunning");
        int? attempt = null;
        (await BurstAsync(worker => worker.Functions.Add("work", (JobContext context) => attempt = context.Attempt))).Completed.ShouldBe(1);
        attempt.ShouldBe(1);
        end.SetResult();
    }
}
