using System.Collections.Concurrent;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

public abstract partial class WorkerConformance
{
    private const int ManyJobs = 1000;

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
            worker.JobCompletionWait = Short;
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
            worker.JobCompletionWait = Short;
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
        _log.Lines.ShouldContain(line => line.Id.Name == "LeftRunning");
        int? attempt = null;
        (await BurstAsync(worker => worker.Functions.Add("work", (JobContext context) => attempt = context.Attempt))).Completed.ShouldBe(1);
        attempt.ShouldBe(1);
        end.SetResult();
    }

    [Fact]
    public async Task W9_SIGTERM_in_mid_work_of_a_thousand_jobs_loses_none_and_counts_no_attempt()
    {
        NeedsASharedStore();
        (await Client.EnqueueManyAsync(Enumerable.Range(0, ManyJobs).Select(n => Job("work", n)), Cancel)).ThrowIfAnyFailed();
        await using var first = await WorkerProcess.StartAsync(_fixture, Queue, Short, TimeSpan.FromSeconds(10));
        await Deadline.Until(() => Task.FromResult(first.Run.Count(n => n % 10 == 0)), count => count == 10);

        await first.SignalAsync("TERM");

        var (exitCode, after) = await first.ExitAsync();
        exitCode.ShouldBe(0);
        after.ShouldBeLessThan(TimeSpan.FromSeconds(12));
        var done = first.Ended.ToList();
        done.Count.ShouldBeInRange(1, ManyJobs - 100);
        first.Said[^1].ShouldBe(["summary", $"{done.Count}", "10", "0"]);
        await FinishAsync(done, mayRunTwice: []);
    }

    [Fact]
    public async Task W9_a_second_signal_stops_at_once_and_still_loses_nothing()
    {
        NeedsASharedStore();
        (await Client.EnqueueManyAsync(Enumerable.Range(0, 100).Select(n => Job(n < 3 ? "deaf" : "work", n * 10)), Cancel)).ThrowIfAnyFailed();
        await using var first = await WorkerProcess.StartAsync(_fixture, Queue, TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(55));
        await Deadline.Until(() => Task.FromResult(first.Run.Count()), count => count == 10);

        await first.SignalAsync("INT");
        await Deadline.Until(() => WaitingAsync(), count => count == 90);
        await first.SignalAsync("TERM");

        var (exitCode, after) = await first.ExitAsync();
        exitCode.ShouldBe(0);
        after.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        var runs = new ConcurrentDictionary<int, int>();
        void Run(int number, JobContext context) => runs[number] = context.Attempt;
        (await BurstAsync(worker => worker.Functions.Add("work", Run).Add("deaf", Run))).Completed.ShouldBe(100);
        runs.Count.ShouldBe(100);
        runs.Values.ShouldAllBe(attempt => attempt == 1);
    }

    [Fact]
    public async Task W9_a_killed_worker_loses_nothing()
    {
        NeedsASharedStore();
        (await Client.EnqueueManyAsync(Enumerable.Range(0, ManyJobs).Select(n => Job("work", n)), Cancel)).ThrowIfAnyFailed();
        await using var first = await WorkerProcess.StartAsync(_fixture, Queue, Short, TimeSpan.FromSeconds(10));
        await Deadline.Until(() => Task.FromResult(first.Run.Count(n => n % 10 == 0)), count => count >= 5);

        await first.SignalAsync("KILL");

        await first.ExitAsync();

        // What had ended but was not settled yet may run again: at least once, never zero times.
        await FinishAsync([.. first.Ended], mayRunTwice: [.. first.Ended]);
    }

    /// <summary>A second worker runs what the first has left: all of it, as first attempts.</summary>
    private async Task FinishAsync(IReadOnlyCollection<int> done, IReadOnlyCollection<int> mayRunTwice)
    {
        var runs = new ConcurrentDictionary<int, int>();
        var attempts = new ConcurrentBag<int>();
        await using var second = Start(worker => worker.Functions.Add("work", (int number, JobContext context) =>
        {
            attempts.Add(context.Attempt);
            runs.AddOrUpdate(number, 1, (_, count) => count + 1);
        }));
        await Deadline.Until(() => Task.FromResult(runs.Keys.Union(done).Count()), count => count == ManyJobs);

        await second.StopAsync();
        await Deadline.Until(() => WaitingAsync(), count => count == 0);
        runs.Values.ShouldAllBe(count => count == 1);
        runs.Keys.Intersect(done).Except(mayRunTwice).ShouldBeEmpty();
        attempts.ShouldAllBe(attempt => attempt == 1);
        (await WaitingAsync(Queue + ".dlq")).ShouldBe(0);
    }

    private void NeedsASharedStore() => Assert.SkipUnless(
        Broker.Capabilities.SharedBetweenProcesses, "Declared: this broker's messages end with it (SharedBetweenProcesses is false).");
}
