using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.RabbitMQ.Consuming;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>A subscription that the server ends.</summary>
public sealed class ConsumerTests : RabbitMqTest
{
    private const int Lost = 3060;
    private const int Waits = 3062;
    private const int TimeoutShort = 3064;

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_consumer_whose_queue_is_deleted_goes_on_when_the_queue_is_there_again(string name)
    {
        var server = TestServer.Named(name);
        using var log = new ListLogger();
        var broker = await OpenAsync(server, options => new BrokerOptions { Url = options.Url, LoggerFactory = log });
        var other = await OpenAsync(server);
        var queue = await DeclareAsync(other, with: spec => spec with { Type = QueueType.Quorum });
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        await PublishAsync(other, queue, "read");
        await PublishAsync(other, queue, "unread");
        var held = await consumer.NextAsync();

        await other.Topology.DeleteQueueAsync(queue, Cancel).Within();
        await log.LoggedAsync(Waits).Within();
        consumer.IsConsuming.ShouldBeFalse();
        (await held.SettleAsync(Settlement.Ack, Cancel).Within()).ShouldBeTrue();
        consumer.Deliveries.TryRead(out _).ShouldBeFalse();

        await DeclareAsync(other, with: spec => spec with { Type = QueueType.Quorum });
        await PublishAsync(other, queue, "new");

        (await TakeUntilAsync(consumer, ["new"])).Keys.ShouldBe(["new"]);
        log.Entries.ShouldContain(entry => entry.Id == Lost);
        log.Entries.ShouldContain(
            entry => entry.Text.Contains("does not exist", StringComparison.Ordinal), string.Join('\n', log.Entries));
    }

    /// <summary>A settlement with a number that was never given is an error that closes the channel.</summary>
    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_channel_closed_by_the_server_is_replaced_and_nothing_is_lost(string name)
    {
        var broker = await OpenAsync(TestServer.Named(name));
        var queue = await DeclareAsync(broker);
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        var neighbourQueue = await DeclareAsync(broker, "neighbour");
        await using var neighbour = await broker.ConsumeAsync(new ConsumerSpec(neighbourQueue, 10), Cancel).Within();
        await PublishAsync(broker, queue, "a");
        await PublishAsync(broker, queue, "b");
        await PublishAsync(broker, neighbourQueue, "n");
        var held = await consumer.NextAsync();
        var neighbours = await neighbour.NextAsync();

        await ((RabbitMqDelivery)held).Session.SettleAsync(1_000_000, Settlement.Ack, Cancel);

        await Deadline.Until(() => Task.FromResult(held.IsLive), live => !live);
        neighbours.IsLive.ShouldBeTrue();
        (await TakeUntilAsync(consumer, ["a", "b"])).Count.ShouldBe(2);
        (await neighbours.SettleAsync(Settlement.Ack, Cancel).Within()).ShouldBeTrue();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task An_auto_delete_queue_that_went_with_its_channel_is_made_again(string name)
    {
        var broker = await OpenAsync(TestServer.Named(name));
        var queue = await DeclareAsync(broker, with: spec => spec with { AutoDelete = true });
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        await PublishAsync(broker, queue, "a");
        var held = await consumer.NextAsync();

        await ((RabbitMqDelivery)held).Session.SettleAsync(1_000_000, Settlement.Ack, Cancel);

        await Deadline.Until(() => Task.FromResult(held.IsLive), live => !live);
        await Deadline.Until(() => Task.FromResult(consumer.IsConsuming), consuming => consuming);
        await PublishAsync(broker, queue, "b");
        (await TakeUntilAsync(consumer, ["b"])).Keys.ShouldBe(["b"]);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_longest_delivery_above_the_default_is_asked_for_or_warned_of(string name)
    {
        var server = TestServer.Named(name);
        using var log = new ListLogger();
        var broker = await OpenAsync(server, options => new BrokerOptions { Url = options.Url, LoggerFactory = log });
        foreach (var type in new[] { QueueType.Classic, QueueType.Quorum })
        {
            var queue = await DeclareAsync(broker, type.ToString(), spec => spec with { Type = type });
            await using var consumer = await broker.ConsumeAsync(
                new ConsumerSpec(queue, 10) { LongestDelivery = TimeSpan.FromHours(3) }, Cancel).Within();
            await PublishAsync(broker, queue, "m");
            await TakeUntilAsync(consumer, ["m"]);
        }

        var warnings = log.Entries.Where(entry => entry.Id == TimeoutShort).ToList();
        warnings.Count.ShouldBe(name == "310" ? 2 : 0);
        warnings.ShouldAllBe(entry => entry.Text.Contains("consumer_timeout = 10800000", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2001)]
    public async Task A_prefetch_count_out_of_range_is_refused(int prefetch)
    {
        var broker = await OpenAsync(TestServer.V43);

        await Should.ThrowAsync<ArgumentOutOfRangeException>(() => broker.ConsumeAsync(new ConsumerSpec("any", prefetch), Cancel));
    }
}
