using System.Collections.Concurrent;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

public abstract partial class WorkerConformance
{
    [Fact]
    public async Task W6_a_job_that_runs_too_long_is_cancelled_and_dead_lettered_as_a_timeout_after_its_retries()
    {
        var cancelled = 0;
        await Client.EnqueueAsync("slow");

        var summary = await BurstAsync(worker =>
        {
            worker.MaxRetries = 1;
            worker.Functions.Add("slow", async (CancellationToken cancellation) =>
            {
                using var registration = cancellation.Register(() => Interlocked.Increment(ref cancelled));
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            }, options => options.Timeout = Moment);
        });

        cancelled.ShouldBe(2);
        (summary.Retried, summary.Failed, summary.Stuck).ShouldBe((1, 1, 0));
        var letter = await DeadLetterAsync();
        HeaderOf(letter, "x-error-type").ShouldBe("MaxRetriesExceeded");
        HeaderOf(letter, "x-error-cause").ShouldBe("JobTimeout");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task W6_a_body_that_ignores_its_timeout_is_abandoned_as_stuck_and_its_slot_is_free(bool blocksItsThread)
    {
        using var end = new ManualResetEventSlim();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var others = 0;
        await Client.EnqueueAsync("deaf", new EnqueueOptions { MaxRetries = 0 });
        await Client.EnqueueManyAsync(Enumerable.Range(0, 5).Select(_ => Job("other")), Cancel);
        try
        {
            var summary = await BurstAsync(worker =>
            {
                worker.MaxConcurrentJobs = 1;
                worker.StuckGrace = Moment;
                if (blocksItsThread)
                {
                    worker.Functions.Add("deaf", void () => end.Wait(Deadline.Default), options => options.Timeout = Moment);
                }
                else
                {
                    worker.Functions.Add("deaf", () => ended.Task, options => options.Timeout = Moment);
                }

                worker.Functions.Add("other", () => Interlocked.Increment(ref others));
            });

            others.ShouldBe(5);
            (summary.Stuck, summary.Failed, summary.Completed).ShouldBe((1, 1, 5));
            Log.Lines.ShouldContain(line => line.Id.Name == "JobStuck");
            HeaderOf(await DeadLetterAsync(), "x-error-cause").ShouldBe("JobTimeout");
        }
        finally
        {
            end.Set();
            ended.SetResult();
        }

        await Deadline.Until(() => Task.FromResult(Log.Lines.Any(line => line.Id.Name == "AbandonedJobEnded")), logged => logged);
    }

    [Fact]
    public async Task W6_what_listens_to_the_token_may_block_or_throw_and_hurts_nobody_else()
    {
        using var end = new ManualResetEventSlim();
        await Client.EnqueueManyAsync([Job("blocks"), Job("throws")], Cancel);
        try
        {
            var summary = await BurstAsync(worker =>
            {
                worker.MaxRetries = 0;
                worker.JobTimeout = Moment;
                worker.StuckGrace = Moment;
                worker.Functions
                    .Add("blocks", async (CancellationToken cancellation) =>
                    {
                        using var registration = cancellation.Register(() => end.Wait(Deadline.Default));
                        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
                    })
                    .Add("throws", async (CancellationToken cancellation) =>
                    {
                        using var registration = cancellation.Register(() => throw new InvalidOperationException("listener"));
                        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
                    });
            });

            summary.Failed.ShouldBe(2);
            Log.Lines.ShouldContain(line => line.Text.Contains("listener"));
        }
        finally
        {
            end.Set();
        }
    }

    [Fact]
    public async Task W6_a_blocking_body_keeps_no_other_job_from_running_and_the_worker_from_settling_and_stopping()
    {
        // More than the machine has cores, so that the pool's first threads are all taken.
        var jobs = Environment.ProcessorCount + 8;
        using var end = new ManualResetEventSlim();
        var blocked = new CountdownEvent(jobs);
        var quick = new ConcurrentQueue<int>();
        await Client.EnqueueManyAsync(Enumerable.Range(0, jobs).Select(n => Job(n % 2 == 0 ? "block" : "block_async")), Cancel);
        await using var worker = Start(worker =>
        {
            worker.MaxConcurrentJobs = jobs + 2;
            void Block()
            {
                blocked.Signal();
                end.Wait(TimeSpan.FromSeconds(60));
            }

            worker.Functions
                .Add("block", Block)
                .Add("block_async", async () =>
                {
                    await Task.Yield();
                    Block();
                })
                .Add("quick", (int number) => quick.Enqueue(number));
        });
        try
        {
            await Task.Run(() => blocked.Wait(Deadline.Default, Cancel), Cancel).Within();

            for (var i = 0; i < 20; i++)
            {
                await Client.EnqueueAsync("quick", i).Within();
            }

            await Deadline.Until(() => Task.FromResult(quick.Count), count => count == 20);
            worker.Stop();
        }
        finally
        {
            end.Set();
        }

        (await worker.Ended.Within()).Completed.ShouldBe(jobs + 20);
        (await WaitingAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task W7_no_more_jobs_run_at_a_time_than_the_limits_of_worker_queue_and_job_allow()
    {
        var (other, limited) = (Fixture.QueueName("other"), Fixture.QueueName("limited"));
        var counters = new ConcurrentDictionary<string, Counter>();
        async Task Count(string name)
        {
            using var inAll = counters.GetOrAdd("all", _ => new Counter()).Enter();
            using var inName = counters.GetOrAdd(name, _ => new Counter()).Enter();
            await Task.Delay(5, Cancel);
        }

        var jobs = Enumerable.Range(0, 150).Select(n => Job("count", n % 3 == 0 ? "first" : n % 3 == 1 ? "other" : "limited") with
        {
            Function = n % 3 == 2 ? "one_at_a_time" : "count",
            Options = new EnqueueOptions { QueueName = n % 3 == 0 ? Queue : n % 3 == 1 ? other : limited },
        });
        (await Client.EnqueueManyAsync(jobs, Cancel)).ThrowIfAnyFailed();

        var summary = await BurstAsync(worker =>
        {
            worker.MaxConcurrentJobs = 6;
            worker.Queues.Add(new WorkerQueue(other) { MaxConcurrentJobs = 2 });
            worker.Queues.Add(new WorkerQueue(limited));
            worker.Functions.Add("count", Count).Add("one_at_a_time", Count, options => options.MaxConcurrentJobs = 1);
        });

        summary.Completed.ShouldBe(150);
        counters["all"].Most.ShouldBeInRange(2, 6);
        counters["other"].Most.ShouldBeInRange(1, 2);
        counters["limited"].Most.ShouldBe(1);
        counters.Keys.ShouldBe(["all", "first", "other", "limited"], ignoreOrder: true);
    }

    [Fact]
    public async Task W7_a_limited_job_does_not_keep_others_out_and_starts_no_faster_than_its_rate()
    {
        var starts = new ConcurrentQueue<long>();
        var order = new ConcurrentQueue<string>();
        var time = TimeProvider.System;
        await Client.EnqueueManyAsync(
            Enumerable.Range(0, 12).Select(_ => Job("limited")).Concat(Enumerable.Range(0, 20).Select(_ => Job("free"))), Cancel);

        var summary = await BurstAsync(worker =>
        {
            worker.PrefetchCount = 10;
            worker.MaxConcurrentJobs = 4;
            worker.Functions
                .Add("limited", () =>
                {
                    starts.Enqueue(time.GetTimestamp());
                    order.Enqueue("limited");
                }, options => options.MaxPerSecond = 10)
                .Add("free", () => order.Enqueue("free"));
        });

        summary.Completed.ShouldBe(32);
        summary.Retried.ShouldBe(0);
        var times = starts.ToArray();
        time.GetElapsedTime(times[0], times[^1]).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1.05));

        // The last of the limited ones must wait for more than a second, in which all others had room.
        order.Last().ShouldBe("limited");
        order.TakeLast(4).ShouldAllBe(name => name == "limited");
    }

    private sealed class Counter
    {
        private readonly Lock _lock = new();
        private int _now;

        public int Most { get; private set; }

        public IDisposable Enter()
        {
            lock (_lock)
            {
                Most = Math.Max(Most, ++_now);
            }

            return new Exit(this);
        }

        private sealed class Exit(Counter counter) : IDisposable
        {
            public void Dispose()
            {
                lock (counter._lock)
                {
                    counter._now--;
                }
            }
        }
    }
}
