using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

/// <summary>Due times and expiry by a clock that the test moves: days pass in no time.</summary>
public sealed class ClockTests
{
    private readonly ManualClock _clock = new();
    private readonly string _url = "sqlite::memory:" + Guid.NewGuid();

    [Fact]
    public async Task A_message_due_in_thirty_days_comes_then_and_not_a_millisecond_before()
    {
        await using var broker = await Brokers.OpenAsync(_url, _clock);
        await broker.DeclareAsync("q");
        await using var consumer = await broker.ConsumeAsync("q");
        await broker.PublishAsync("q", "far", _clock.GetUtcNow().AddDays(30));
        await broker.PublishAsync("q", "near", _clock.GetUtcNow().AddHours(1));

        _clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(1));
        (await broker.QueueAsync("q")).MessagesDelayed.ShouldBe(2);
        consumer.Deliveries.TryRead(out _).ShouldBeFalse();
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        (await consumer.TakeAsync()).ShouldBe("near");

        _clock.Advance(TimeSpan.FromDays(30) - TimeSpan.FromHours(1));
        (await consumer.TakeAsync()).ShouldBe("far");
        (await broker.QueueAsync("q")).MessagesDelayed.ShouldBe(0);
    }

    [Fact]
    public async Task A_due_time_between_two_milliseconds_is_not_early()
    {
        await using var broker = await Brokers.OpenAsync(_url, _clock);
        await broker.DeclareAsync("q");
        await using var consumer = await broker.ConsumeAsync("q");
        await broker.PublishAsync("q", "m", _clock.GetUtcNow().AddTicks(10_001));

        _clock.Advance(TimeSpan.FromMilliseconds(1));
        (await broker.QueueAsync("q")).MessagesDelayed.ShouldBe(1);
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        (await consumer.TakeAsync()).ShouldBe("m");
    }

    [Fact]
    public async Task The_ends_of_time_are_due_times_like_others()
    {
        await using var broker = await Brokers.OpenAsync(_url, _clock);
        await broker.DeclareAsync("q");

        await broker.PublishAsync("q", "never", DateTimeOffset.MaxValue);
        await broker.PublishAsync("q", "long ago", DateTimeOffset.MinValue);

        var info = await broker.QueueAsync("q");
        (info.MessagesReady, info.MessagesDelayed).ShouldBe((1, 1));
    }

    [Fact]
    public async Task More_due_messages_than_one_transaction_takes_all_come()
    {
        await using var broker = await Brokers.OpenAsync(_url, _clock);
        await broker.DeclareAsync("q");
        var due = _clock.GetUtcNow().AddHours(1);
        await Task.WhenAll(Enumerable.Range(0, 5000).Select(number => broker.PublishAsync("q", $"m{number}", due)));

        _clock.Advance(TimeSpan.FromHours(1));

        await broker.UntilAsync("q", info => info is { MessagesReady: 5000, MessagesDelayed: 0 }, "all in the queue");
    }

    [Fact]
    public async Task The_time_to_live_of_a_delayed_message_begins_when_it_is_due()
    {
        await using var broker = await Brokers.OpenAsync(_url, _clock);
        await broker.DeclareAsync(new QueueSpec("q") { MessageTtl = TimeSpan.FromMinutes(1) });
        await broker.PublishAsync("q", "m", _clock.GetUtcNow().AddHours(1));

        _clock.Advance(TimeSpan.FromHours(1));
        await broker.UntilAsync("q", info => info.MessagesReady == 1, "the message due");
        _clock.Advance(TimeSpan.FromMinutes(1));
        (await broker.QueueAsync("q")).MessagesReady.ShouldBe(1);
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        await broker.UntilAsync("q", info => info.MessagesReady == 0, "the message expired");
    }

    [Fact]
    public async Task Delayed_messages_outlive_their_queue_and_come_to_the_next_of_its_name()
    {
        await using var broker = await Brokers.OpenAsync(_url, _clock);
        await broker.DeclareAsync("q");
        await broker.PublishAsync("q", "delayed", _clock.GetUtcNow().AddHours(1));
        await broker.PublishAsync("q", "waiting");
        await broker.Topology.DeleteQueueAsync("q", Brokers.Cancel).Within();
        (await broker.Inspector.FindQueueAsync("q", Brokers.Cancel).Within()).ShouldBeNull();

        await broker.DeclareAsync(new QueueSpec("q") { DeliveryLimit = 3 });

        (await broker.QueueAsync("q")).ShouldBe(new QueueInfo("q", 0, 0) { MessagesDelayed = 1, MessagesUnacknowledged = 0 });
        await using var consumer = await broker.ConsumeAsync("q");
        _clock.Advance(TimeSpan.FromHours(1));
        (await consumer.TakeAsync()).ShouldBe("delayed");
        await broker.UntilAsync("q", info => info is { MessagesReady: 0, MessagesDelayed: 0, MessagesUnacknowledged: 0 }, "nothing left");
    }

    [Fact]
    public async Task A_delayed_message_whose_queue_is_gone_when_it_is_due_is_parked()
    {
        const string Parked = "rabbitarq.v1.delay.parked";
        await using var broker = await Brokers.OpenAsync(_url, _clock);
        await broker.DeclareAsync("gone", "stays");
        await broker.PublishAsync("gone", "a", _clock.GetUtcNow().AddHours(1));
        await broker.PublishAsync("stays", "b", _clock.GetUtcNow().AddHours(1));
        await broker.PublishAsync("gone", "c", _clock.GetUtcNow().AddHours(2));
        await broker.Topology.DeleteQueueAsync("gone", Brokers.Cancel).Within();

        _clock.Advance(TimeSpan.FromHours(1));

        await broker.UntilAsync("stays", info => info.MessagesReady == 1, "the message of the other queue");
        (await broker.QueueAsync(Parked)).MessagesReady.ShouldBe(1);
        _clock.Advance(TimeSpan.FromHours(1));
        await broker.UntilAsync(Parked, info => info.MessagesReady == 2, "the second one");
        await broker.DeclareAsync("gone");
        (await broker.QueueAsync("gone")).MessagesDelayed.ShouldBe(0);
        await using var consumer = await broker.ConsumeAsync(Parked);
        (await consumer.TakeAsync()).ShouldBe("a");
    }

    [Fact]
    public async Task Queues_that_dead_letter_expired_messages_in_a_circle_drop_them()
    {
        await using var broker = await Brokers.OpenAsync(_url, _clock);
        await broker.DeclareAsync(
            new QueueSpec("q") { MessageTtl = TimeSpan.FromSeconds(1), DeadLetterExchange = "", DeadLetterRoutingKey = "back" },
            new QueueSpec("back") { MessageTtl = TimeSpan.FromSeconds(1), DeadLetterExchange = "", DeadLetterRoutingKey = "q" });
        await broker.PublishAsync("q", "m");

        _clock.Advance(TimeSpan.FromSeconds(2));
        await broker.UntilAsync("back", info => info.MessagesReady == 1, "the first dead-lettering");
        _clock.Advance(TimeSpan.FromSeconds(2));

        await broker.UntilAsync("back", info => info.MessagesReady == 0, "the second expiry");
        (await broker.QueueAsync("q")).MessagesReady.ShouldBe(0);
    }

    [Fact]
    public async Task Full_queues_that_dead_letter_into_each_other_stay_within_reason()
    {
        await using var broker = await Brokers.OpenAsync(_url, _clock);
        await broker.DeclareAsync(
            new QueueSpec("q") { MaxLength = 50, DeadLetterExchange = "", DeadLetterRoutingKey = "back" },
            new QueueSpec("back") { MaxLength = 50, DeadLetterExchange = "", DeadLetterRoutingKey = "q" });

        await broker.PublishManyAsync("q", 2000);

        var (first, second) = ((await broker.QueueAsync("q")).MessagesReady, (await broker.QueueAsync("back")).MessagesReady);
        first.ShouldBeInRange(50, 60);
        second.ShouldBeInRange(50, 60);
    }
}
