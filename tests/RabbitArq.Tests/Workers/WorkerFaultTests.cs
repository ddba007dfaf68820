using System.Collections.Concurrent;
using RabbitArq.Brokers;
using RabbitArq.Tests.Support;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Workers;

/// <summary>What the worker does when the broker does what it should not.</summary>
public sealed class WorkerFaultTests : IAsyncDisposable
{
    private readonly FakeBroker _broker = new();
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask DisposeAsync() => _broker.DisposeAsync();

    [Fact]
    public async Task A_delivery_of_a_dead_channel_is_not_run()
    {
        var runs = new ConcurrentQueue<int>();
        await using var worker = await Worker(settings => settings.Functions.Add("run", (int n) => runs.Enqueue(n))).StartedAsync();

        _broker.Deliver("q", Bodies.Job("run", "[1]"), isLive: false);
        var live = _broker.Deliver("q", Bodies.Job("run", "[2]"));

        (await live.Settled.Within()).ShouldBe(Settlement.Ack);
        runs.ShouldBe([2]);
    }

    [Fact]
    public async Task A_failure_on_a_dead_channel_publishes_no_follow_up_because_the_broker_hands_the_job_out_again()
    {
        FakeDelivery? delivery = null;
        var ran = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await Worker(settings => settings.Functions
            .Add("dies", async Task () =>
            {
                await _release.Task;
                delivery!.Live = false;
                ran.SetResult();
                throw new IOException();
            })
            .Add("next", () => { })).StartedAsync();
        delivery = _broker.Deliver("q", Bodies.Job("dies"));
        _release.SetResult();
        await ran.Task.Within();
        await _broker.Deliver("q", Bodies.Job("next")).Settled.Within();

        worker.Stop();

        (await worker.Ended.Within()).Retried.ShouldBe(0);
        _broker.Published.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_follow_up_that_cannot_be_published_is_tried_again_with_waits_and_then_the_job_is_handed_back()
    {
        var time = new FakeTime();
        var tries = 0;
        _broker.OnPublish = (request, _) =>
        {
            tries++;
            throw new PublishUnconfirmedException(request, "gone");
        };
        await using var worker = await Worker(settings => settings.Functions.Add("fail", void () => throw new IOException()), time).StartedAsync();

        var delivery = _broker.Deliver("q", Bodies.Job("fail"));
        foreach (var (wait, after) in new[] { (0.1, 1), (1, 2), (5, 3) })
        {
            await time.TimerOfAsync(TimeSpan.FromSeconds(wait)).Within();
            tries.ShouldBe(after);
            delivery.IsSettled.ShouldBeFalse();
            time.Advance(TimeSpan.FromSeconds(wait));
        }

        (await delivery.Settled.Within()).ShouldBe(Settlement.Requeue);
        tries.ShouldBe(4);
        worker.Log.Events.ShouldContain("FollowUpFailed");
        worker.Worker.Progress.ShouldSatisfyAllConditions(p => p.Retried.ShouldBe(0), p => p.Failed.ShouldBe(0));
    }

    [Fact]
    public async Task A_missing_dead_letter_queue_is_declared_again()
    {
        _broker.OnPublish = (request, _) => _broker.Applied.Count < 2 ? throw new UnroutableException(request, "no queue") : ValueTask.CompletedTask;
        await using var worker = await Worker(settings => settings.Functions.Add("fail", void () => throw new ArgumentException("x"))).StartedAsync();

        (await _broker.Deliver("q", Bodies.Job("fail")).Settled.Within()).ShouldBe(Settlement.Ack);

        _broker.Published.ShouldHaveSingleItem().RoutingKey.ShouldBe("q.dlq");
    }

    [Fact]
    public async Task An_error_of_the_broker_that_nobody_foresaw_costs_neither_the_slot_nor_the_job()
    {
        _broker.OnPublish = (_, _) => throw new InvalidOperationException("a bug in a client library");
        await using var worker = await Worker(settings =>
        {
            settings.MaxConcurrentJobs = 1;
            settings.Functions.Add("fail", void () => throw new ArgumentException("x")).Add("good", () => { });
        }).StartedAsync();

        (await _broker.Deliver("q", Bodies.Job("fail")).Settled.Within()).ShouldBe(Settlement.Requeue);
        (await _broker.Deliver("q", Bodies.Job("good")).Settled.Within()).ShouldBe(Settlement.Ack);
    }

    [Fact]
    public async Task A_consumer_that_cannot_be_cancelled_does_not_keep_running_jobs_from_ending_well()
    {
        _broker.ConsumerOf("q").OnCancel = _ => throw new BrokerUnreachableException("no answer");
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await Worker(settings => settings.Functions.Add("run", async () =>
        {
            started.SetResult();
            await _release.Task;
        })).StartedAsync();
        var delivery = _broker.Deliver("q", Bodies.Job("run"));
        await started.Task.Within();

        worker.Stop();
        await Waiting.Until(() => worker.Log.Events.Contains("ConsumerEnded"));
        delivery.IsSettled.ShouldBeFalse();
        _release.SetResult();

        (await delivery.Settled.Within()).ShouldBe(Settlement.Ack);
        (await worker.Ended.Within()).Completed.ShouldBe(1);
        _broker.ConsumerOf("q").IsDisposed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_consumer_that_never_answers_a_cancel_does_not_keep_the_worker_longer_than_its_limit()
    {
        var time = new FakeTime();
        _broker.ConsumerOf("q").OnCancel = token => _release.Task.WaitAsync(token);
        await using var worker = await Worker(settings => settings.Functions.Add("any", () => { }), time).StartedAsync();

        worker.Stop();
        await time.TimerOfAsync(TimeSpan.FromSeconds(10)).Within();
        time.Advance(TimeSpan.FromSeconds(10));
        await time.TimerOfAsync(TimeSpan.FromSeconds(20)).Within();
        worker.Ended.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(20));

        (await worker.Ended.Within()).Running.ShouldBe(0);
    }

    [Fact]
    public async Task The_success_of_a_job_that_ends_as_it_is_aborted_is_settled_all_the_same()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await Worker(settings =>
        {
            settings.JobCompletionWait = TimeSpan.Zero;
            settings.Functions.Add("late", async (CancellationToken token) =>
            {
                started.SetResult();
                await _release.Task.WaitAsync(token).ContinueWith(_ => { }, TaskScheduler.Default);
            });
        }).StartedAsync();
        var delivery = _broker.Deliver("q", Bodies.Job("late"));
        await started.Task.Within();

        worker.Stop();

        (await delivery.Settled.Within()).ShouldBe(Settlement.Ack);
        (await worker.Ended.Within()).ShouldSatisfyAllConditions(s => s.Completed.ShouldBe(1), s => s.Interrupted.ShouldBe(0));
    }

    [Fact]
    public async Task When_the_second_of_two_queues_cannot_be_consumed_the_first_is_let_go_and_the_shutdown_hook_runs()
    {
        var closed = false;
        _broker.OnConsume = queue => queue == "second" ? throw new QueueNotFoundException(queue, "no such queue") : Task.CompletedTask;
        await using var worker = Worker(settings =>
        {
            settings.Queues.Add(new WorkerQueue("second"));
            settings.Hooks.Shutdown = (_, _) =>
            {
                closed = true;
                throw new InvalidOperationException("not what is reported");
            };
            settings.Functions.Add("any", () => { });
        }).Start();

        (await Should.ThrowAsync<QueueNotFoundException>(() => worker.Ended.Within())).QueueName.ShouldBe("second");

        await Should.ThrowAsync<QueueNotFoundException>(() => worker.Worker.Started);
        closed.ShouldBeTrue();
        _broker.ConsumerOf("q").ShouldSatisfyAllConditions(c => c.IsCancelled.ShouldBeTrue(), c => c.IsDisposed.ShouldBeTrue());
    }

    [Fact]
    public async Task A_consumer_that_ends_for_good_ends_the_worker_with_its_error_after_running_jobs_have_ended()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await Worker(settings => settings.Functions.Add("run", async () =>
        {
            started.SetResult();
            await _release.Task;
        })).StartedAsync();
        var delivery = _broker.Deliver("q", Bodies.Job("run"));
        await started.Task.Within();

        _broker.ConsumerOf("q").Channel.Writer.Complete(new BrokerAccessException("not allowed any more"));
        _release.SetResult();

        (await delivery.Settled.Within()).ShouldBe(Settlement.Ack);
        (await Should.ThrowAsync<BrokerAccessException>(() => worker.Ended.Within())).Message.ShouldBe("not allowed any more");
    }

    [Fact]
    public async Task What_waits_for_a_slot_or_a_limit_is_handed_back_at_once_when_the_worker_stops()
    {
        var started = new CountdownEvent(2);
        await using var worker = await Worker(settings =>
        {
            settings.MaxConcurrentJobs = 2;
            settings.PrefetchCount = 20;
            async Task Run()
            {
                started.Signal();
                await _release.Task;
            }

            settings.Functions.Add("run", Run).Add("limited", Run, options => options.MaxConcurrentJobs = 1);
        }).StartedAsync();
        var running = new[] { _broker.Deliver("q", Bodies.Job("run")), _broker.Deliver("q", Bodies.Job("limited")) };
        await Task.Run(() => started.Wait(TimeSpan.FromSeconds(30)), TestContext.Current.CancellationToken).Within();
        var waiting = Enumerable.Range(0, 8).Select(n => _broker.Deliver("q", Bodies.Job(n % 2 == 0 ? "run" : "limited"))).ToArray();
        await Waiting.Until(() => _broker.ConsumerOf("q").Channel.Reader.Count == 0);

        worker.Stop();

        foreach (var delivery in waiting)
        {
            (await delivery.Settled.Within()).ShouldBe(Settlement.Requeue);
        }

        running.ShouldAllBe(delivery => !delivery.IsSettled);
        _release.SetResult();
        (await worker.Ended.Within()).Completed.ShouldBe(2);
    }

    [Fact]
    public async Task A_startup_hook_that_stops_with_the_worker_ends_it_without_an_error()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = Worker(settings => settings.Hooks.Startup = (_, token) =>
        {
            started.SetResult();
            return _release.Task.WaitAsync(token);
        }).Start();
        await started.Task.Within();

        worker.Stop();

        (await worker.Ended.Within()).Completed.ShouldBe(0);
        worker.Worker.Started.IsCanceled.ShouldBeTrue();
    }

    [Fact]
    public async Task A_shutdown_hook_that_never_ends_is_given_up_with_an_error_that_says_so()
    {
        var time = new FakeTime();
        using var block = new ManualResetEventSlim();
        await using var worker = await Worker(
            settings => settings.Hooks.Shutdown = (_, _) =>
            {
                block.Wait(TimeSpan.FromSeconds(30), CancellationToken.None);
                return Task.CompletedTask;
            },
            time).StartedAsync();

        worker.Stop();
        await time.TimerOfAsync(TimeSpan.FromSeconds(30)).Within();
        await Waiting.Until(() => _broker.ConsumerOf("q").IsDisposed);
        await time.TimerOfAsync(TimeSpan.FromSeconds(30)).Within();
        time.Advance(TimeSpan.FromSeconds(30));

        (await Should.ThrowAsync<TimeoutException>(() => worker.Ended.Within())).Message.ShouldContain("00:00:30");
        block.Set();
    }

    [Fact]
    public async Task Abort_may_come_before_during_and_after_everything()
    {
        var early = Worker(settings => settings.Functions.Add("any", () => { }));
        early.Worker.Abort();
        (await early.Start().Ended.Within()).Completed.ShouldBe(0);
        await early.DisposeAsync();

        early.Worker.Abort();
        early.Worker.Abort();
    }

    private FakeWorker Worker(Action<WorkerSettings> configure, TimeProvider? time = null) => new(_broker, configure, time);
}
