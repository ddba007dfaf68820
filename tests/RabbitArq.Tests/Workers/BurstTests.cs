using RabbitArq.Brokers;
using RabbitArq.Tests.Support;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Workers;

/// <summary>When a burst is over: what only a broker that can be held up shows.</summary>
public sealed class BurstTests : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100);

    private readonly FakeBroker _broker = new();
    private readonly FakeTime _time = new();
    private int _runs;

    public ValueTask DisposeAsync() => _broker.DisposeAsync();

    [Fact]
    public async Task One_empty_look_is_not_enough_because_a_message_may_be_on_its_way()
    {
        await using var worker = Burst();
        await _time.TimerOfAsync(Soon).Within();

        // The queue has handed it out, so it is not there; and it is not here yet. It comes between two looks.
        await _broker.Deliver("q", Bodies.Job("run")).Settled.Within();
        await GoOnAsync(3);

        worker.Ended.IsCompleted.ShouldBeFalse();
        (await GoOnUntilEndedAsync(worker)).Completed.ShouldBe(1);
    }

    [Fact]
    public async Task Three_empty_looks_in_a_row_end_it()
    {
        await using var worker = Burst();

        await GoOnAsync(2);

        var summary = await worker.Ended.Within();
        (summary.Completed, summary.BurstTimedOut).ShouldBe((0, false));
        _time.GetUtcNow().ShouldBe(new FakeTime().GetUtcNow() + (2 * Soon));
    }

    [Fact]
    public async Task A_broker_that_cannot_be_asked_is_not_an_empty_one()
    {
        var asked = 0;
        _broker.OnFind = name => ++asked <= 3 ? throw new BrokerUnreachableException("away") : Task.FromResult<QueueInfo?>(new QueueInfo(name, 0, 1));
        await using var worker = Burst();
        for (var i = 0; i < 3; i++)
        {
            await _time.TimerOfAsync(TimeSpan.FromSeconds(1)).Within();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        (await GoOnUntilEndedAsync(worker)).BurstTimedOut.ShouldBeFalse();
        worker.Log.Events.Count(name => name == "BurstCheckFailed").ShouldBe(3);
    }

    [Fact]
    public async Task It_ends_at_its_timeout_when_the_queue_never_empties()
    {
        _broker.OnFind = name => Task.FromResult<QueueInfo?>(new QueueInfo(name, 5, 1));
        await using var worker = Burst(settings => settings.BurstTimeout = TimeSpan.FromSeconds(2.5));
        foreach (var wait in new[] { 1, 1, 0.5 })
        {
            await _time.TimerOfAsync(TimeSpan.FromSeconds(wait)).Within();
            _time.Advance(TimeSpan.FromSeconds(wait));
        }

        (await worker.Ended.Within()).BurstTimedOut.ShouldBeTrue();
        worker.Worker.Progress.Total.ShouldBe(5);
    }

    [Fact]
    public async Task A_job_that_a_limit_has_sent_away_is_waited_for_though_nothing_shows_it()
    {
        await using var worker = Burst(settings =>
        {
            settings.PrefetchCount = 2;
            settings.MaxConcurrentJobs = 2;
            settings.BurstCountDelayed = false;
            settings.Functions.Add("limited", () => Interlocked.Increment(ref _runs), options => options.MaxPerSecond = 0.0001);
        });
        var deliveries = Enumerable.Range(0, 3).Select(_ => _broker.Deliver("q", Bodies.Job("limited"))).ToArray();
        (await deliveries[0].Settled.Within()).ShouldBe(Settlement.Ack);
        (await deliveries[2].Settled.Within()).ShouldBe(Settlement.Ack);

        var away = _broker.Published.ShouldHaveSingleItem();
        away.DueAt.ShouldNotBeNull().ShouldBeGreaterThan(new FakeTime().GetUtcNow());
        System.Text.Encoding.UTF8.GetString(away.Message.Body.Span).ShouldContain("\"job_try\":1");
        worker.Ended.IsCompleted.ShouldBeFalse();
    }

    private FakeWorker Burst(Action<WorkerSettings>? configure = null) => new FakeWorker(
        _broker,
        settings =>
        {
            settings.BurstMode = true;
            settings.Functions.Add("run", () => Interlocked.Increment(ref _runs));
            configure?.Invoke(settings);
        },
        _time).Start();

    private async Task GoOnAsync(int looks)
    {
        for (var i = 0; i < looks; i++)
        {
            await _time.TimerOfAsync(Soon).Within();
            _time.Advance(Soon);
        }
    }

    private async Task<WorkerSummary> GoOnUntilEndedAsync(FakeWorker worker)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!worker.Ended.IsCompleted)
        {
            _time.Advance(Soon);
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        return await worker.Ended;
    }
}
