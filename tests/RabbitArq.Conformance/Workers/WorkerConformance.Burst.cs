using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

public abstract partial class WorkerConformance
{
    [Fact]
    public async Task W8_a_burst_on_an_empty_queue_ends_soon()
    {
        var summary = await BurstAsync(worker => worker.Functions.Add("any", () => { }));

        (summary.Completed, summary.BurstTimedOut).ShouldBe((0, false));
        summary.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task W8_a_burst_works_until_its_queues_are_empty_also_of_what_its_jobs_enqueue()
    {
        var done = 0;
        await Client.EnqueueManyAsync(Enumerable.Range(0, 300).Select(n => Job("work", n)), Cancel);

        var summary = await BurstAsync(worker => worker.Functions.Add("work", async (int number, JobContext context) =>
        {
            if (number % 10 == 0)
            {
                await context.EnqueueAsync("work", 1);
            }

            Interlocked.Increment(ref done);
        }));

        done.ShouldBe(330);
        summary.Completed.ShouldBe(330);
        (await WaitingAsync()).ShouldBe(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task W8_retries_that_fall_due_in_the_burst_are_waited_for_only_if_asked(bool counted)
    {
        await Client.EnqueueAsync("flaky");

        var summary = await BurstAsync(worker =>
        {
            worker.BurstCountDelayed = counted;
            worker.Functions.Add("flaky", void (JobContext context) =>
            {
                if (context.Attempt == 1)
                {
                    throw new RetryException(TimeSpan.FromSeconds(3));
                }
            });
        });

        (summary.Retried, summary.Completed).ShouldBe((1, counted ? 1 : 0));
    }

    [Fact]
    public async Task W8_a_burst_ends_at_its_timeout_with_work_left()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Client.EnqueueManyAsync(Enumerable.Range(0, 20).Select(_ => Job("wait")), Cancel);

        var summary = await BurstAsync(worker =>
        {
            worker.BurstTimeout = TimeSpan.FromSeconds(1);
            worker.JobCompletionWait = TimeSpan.Zero;
            worker.MaxConcurrentJobs = 2;
            worker.Functions.Add("wait", (CancellationToken cancellation) => release.Task.WaitAsync(cancellation));
        });

        summary.BurstTimedOut.ShouldBeTrue();
        (summary.Completed, summary.Interrupted, summary.Running).ShouldBe((0, 2, 0));
        Log.Lines.ShouldContain(line => line.Id.Name == "BurstTimedOut");
        await Deadline.Until(() => WaitingAsync(), count => count == 20);
    }

    [Fact]
    public async Task W8_a_burst_that_need_not_wait_for_running_jobs_hands_them_back_but_runs_all_that_waits()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var quick = 0;
        await Client.EnqueueManyAsync([Job("wait"), .. Enumerable.Range(0, 50).Select(_ => Job("quick"))], Cancel);

        var summary = await BurstAsync(worker =>
        {
            worker.BurstWaitForTasks = false;
            worker.MaxConcurrentJobs = 2;
            worker.Functions.Add("wait", (CancellationToken cancellation) => release.Task.WaitAsync(cancellation))
                .Add("quick", () => Interlocked.Increment(ref quick));
        });

        quick.ShouldBe(50);
        (summary.Completed, summary.Interrupted, summary.BurstTimedOut).ShouldBe((50, 1, false));
        summary.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        await Deadline.Until(() => WaitingAsync(), count => count == 1);
    }

    [Fact]
    public async Task W8_a_burst_that_may_not_end_on_empty_runs_to_its_timeout()
    {
        var ran = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var burst = BurstAsync(worker =>
        {
            worker.BurstExitOnEmpty = false;
            worker.BurstTimeout = TimeSpan.FromSeconds(3);
            worker.Functions.Add("late", () => ran.TrySetResult());
        });
        await Deadline.Until(() => Task.FromResult(Log.Lines.Any(line => line.Id.Name == "WorkerStarted")), started => started);
        await Client.EnqueueAsync("late");

        var summary = await burst;

        ran.Task.IsCompleted.ShouldBeTrue();
        (summary.Completed, summary.BurstTimedOut).ShouldBe((1, false));
    }

    [Fact]
    public async Task W10_the_summary_counts_by_job_and_gives_durations_and_is_logged_in_one_line()
    {
        await Client.EnqueueManyAsync([.. Enumerable.Range(0, 10).Select(n => Job("wait", n)), Job("fail"), Job("nobody")], Cancel);

        var summary = await BurstAsync(worker => worker.Functions
            .Add("wait", (int n, CancellationToken cancellation) => Task.Delay(n == 0 ? 400 : 20, cancellation))
            .Add("fail", void () => throw new IOException("no"), options => options.MaxRetries = 2));

        (summary.Completed, summary.Failed, summary.Retried, summary.Running, summary.Interrupted).ShouldBe((10, 2, 2, 0, 0));
        summary.Elapsed.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(380));
        var wait = summary.Jobs["wait"];
        (wait.Completed, wait.Failed, wait.Retried).ShouldBe((10, 0, 0));
        wait.P50.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(15));
        wait.P50.ShouldBeLessThan(wait.Max);
        wait.Max.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(380));
        wait.P99.ShouldBe(wait.Max);
        (summary.Jobs["fail"].Failed, summary.Jobs["fail"].Retried).ShouldBe((1, 2));
        summary.Jobs["(unknown)"].Failed.ShouldBe(1);
        Log.Lines.Count(line => line.Id is { Id: 1003, Name: "WorkerSummary" }).ShouldBe(1);
    }
}
