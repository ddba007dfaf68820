using System.Collections.Concurrent;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

/// <summary>What takes many jobs or other processes to show: nothing is lost, and nothing is done twice without a crash.</summary>
public abstract class WorkerEndurance : WorkerSuite
{
    private const int ManyJobs = 1000;

    /// <summary>Creates the suite for one broker and queue type.</summary>
    /// <param name="fixture">What opens it.</param>
    protected WorkerEndurance(WorkerFixture fixture)
        : base(fixture)
    {
    }

    [Fact]
    public async Task Ten_thousand_jobs_of_which_a_tenth_fails_at_random_are_each_completed_or_dead_lettered_exactly_once()
    {
        const int Count = 10_000;
        var random = new Random(20260730);
        var plans = Enumerable.Range(0, Count).Select(_ => random.Next(100) switch
        {
            < 4 => "retriable, then good",
            < 7 => "retriable",
            < 10 => "not retriable",
            _ => "good",
        }).ToArray();
        var completed = new int[Count];
        var attempts = new int[Count];
        foreach (var chunk in Enumerable.Range(0, Count).Chunk(1000))
        {
            (await Client.EnqueueManyAsync(chunk.Select(n => Job("work", n)), Cancel).Within(TimeSpan.FromSeconds(60))).ThrowIfAnyFailed();
        }

        var summary = await BurstAsync(worker =>
        {
            worker.LogLevel = Microsoft.Extensions.Logging.LogLevel.Warning;
            worker.MaxRetries = 2;
            worker.Backoff = Backoff.Constant(TimeSpan.FromMilliseconds(100));
            worker.PrefetchCount = 500;
            worker.MaxConcurrentJobs = 20;
            worker.Functions.Add("work", void (int number, JobContext context) =>
            {
                Interlocked.Increment(ref attempts[number]);
                switch (plans[number])
                {
                    case "retriable": throw new IOException("busy");
                    case "not retriable": throw new ArgumentException("wrong");
                    case "retriable, then good" when context.Attempt == 1: throw new TimeoutException("slow");
                }

                Interlocked.Increment(ref completed[number]);
            });
        });

        var dead = plans.Count(plan => plan is "retriable" or "not retriable");
        (summary.Completed + summary.Failed).ShouldBe(Count);
        summary.Failed.ShouldBe(dead);
        (await WaitingAsync()).ShouldBe(0);
        (await WaitingAsync(Queue + ".dlq")).ShouldBe(dead);
        var letters = (await DeadLettersAsync(dead)).Select(letter => HeaderOf(letter, "x-job-id")).ToHashSet();
        letters.Count.ShouldBe(dead);
        for (var n = 0; n < Count; n++)
        {
            completed[n].ShouldBe(plans[n] is "good" or "retriable, then good" ? 1 : 0, $"job {n}: {plans[n]}");
            attempts[n].ShouldBe(plans[n] switch { "retriable" => 3, "retriable, then good" => 2, _ => 1 }, $"job {n}: {plans[n]}");
        }
    }

    [Fact]
    public async Task W9_SIGTERM_in_mid_work_of_a_thousand_jobs_loses_none_and_counts_no_attempt()
    {
        NeedsASharedStore();
        (await Client.EnqueueManyAsync(Enumerable.Range(0, ManyJobs).Select(n => Job("work", n)), Cancel)).ThrowIfAnyFailed();
        await using var first = await WorkerProcess.StartAsync(Fixture, Queue, Moment, TimeSpan.FromSeconds(10));
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
        await using var first = await WorkerProcess.StartAsync(Fixture, Queue, TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(55));
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
        await using var first = await WorkerProcess.StartAsync(Fixture, Queue, Moment, TimeSpan.FromSeconds(10));
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
