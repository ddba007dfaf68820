using RabbitArq.Brokers;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

public abstract partial class BrokerConformance
{
    [Fact]
    public async Task One_consumer_gets_messages_in_the_order_of_publishing()
    {
        var queue = await DeclareAsync();
        var expected = Enumerable.Range(0, 100).Select(number => $"m{number}").ToList();
        await PublishInOrderAsync(queue, expected.Take(50));
        await using var consumer = await ConsumeAsync(queue, prefetch: 7);
        await PublishInOrderAsync(queue, expected.Skip(50));

        (await TakeAsync(consumer, 100)).ShouldBe(expected);
    }

    [Fact]
    public async Task A_waiting_consumer_gets_a_message_published_by_another_broker()
    {
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue);
        var waiting = consumer.NextAsync();

        await PublishAsync(other, new PublishRequest(Text("m"), queue));

        TextOf(await waiting).ShouldBe("m");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_consumer_never_holds_more_than_its_prefetch_count(int prefetch)
    {
        var queue = await DeclareAsync();
        var expected = Enumerable.Range(0, prefetch + 4).Select(number => $"m{number}").ToList();
        await PublishInOrderAsync(queue, expected);
        await using var consumer = await ConsumeAsync(queue, prefetch);
        var held = await consumer.NextAsync(prefetch);

        // What the first consumer may not have, the second gets: all of it.
        await using var second = await ConsumeAsync(queue, prefetch: 10);
        var rest = await TakeAsync(second, 4);

        TextsOf(held).ShouldBe(expected.Take(prefetch));
        rest.ShouldBe(expected.Skip(prefetch));
        consumer.Deliveries.TryRead(out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(Settlement.Ack)]
    [InlineData(Settlement.Reject)]
    public async Task A_settled_delivery_makes_room_for_exactly_one_more(Settlement settlement)
    {
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c", "d", "e");
        await using var consumer = await ConsumeAsync(queue, prefetch: 2);
        var held = await consumer.NextAsync(2);
        (await QueueAsync(queue)).MessagesReady.ShouldBe(3);
        consumer.Deliveries.TryRead(out _).ShouldBeFalse();

        await held[0].SettleAsync(settlement, Cancel).Within();

        TextOf(await consumer.NextAsync()).ShouldBe("c");
        (await QueueAsync(queue)).MessagesReady.ShouldBe(2);
        consumer.Deliveries.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Two_consumers_share_a_queue()
    {
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        await using var first = await ConsumeAsync(queue, prefetch: 1);
        await using var second = await ConsumeAsync(other, queue, prefetch: 1);
        await PublishInOrderAsync(queue, "a", "b", "c");

        var one = await first.NextAsync();
        var two = await second.NextAsync();
        new[] { TextOf(one), TextOf(two) }.ShouldBe(["a", "b"], ignoreOrder: true);

        await AckAsync(two);
        TextOf(await second.NextAsync()).ShouldBe("c");
    }

    [Fact]
    public async Task Many_readers_of_one_consumer_get_each_delivery_once()
    {
        const int Count = 200;
        var queue = await DeclareAsync();
        await PublishAsync(queue, Enumerable.Range(0, Count).Select(number => $"m{number}"));
        await using var consumer = await ConsumeAsync(queue, prefetch: 20);

        var readers = Enumerable.Range(0, 4).Select(_ => TakeAsync(consumer, Count / 4));
        var texts = await Task.WhenAll(readers).Within();

        texts.SelectMany(text => text).Distinct().Count().ShouldBe(Count);
        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task Consuming_a_queue_that_does_not_exist_is_an_error_that_names_it()
    {
        var missing = _fixture.QueueName("missing");
        var queue = await DeclareAsync();

        var failure = await Should.ThrowAsync<QueueNotFoundException>(() => ConsumeAsync(missing));

        failure.QueueName.ShouldBe(missing);
        failure.Message.ShouldContain(missing);
        (await Broker.Inspector.FindQueueAsync(missing, Cancel).Within()).ShouldBeNull();
        await IsEmptyAsync(queue);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(2001)]
    public async Task A_prefetch_count_outside_its_range_is_refused(int prefetch)
    {
        var queue = await DeclareAsync();

        await Should.ThrowAsync<ArgumentOutOfRangeException>(() => ConsumeAsync(queue, prefetch));
    }

    [Fact]
    public async Task The_largest_prefetch_count_is_taken()
    {
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue, prefetch: 2000);

        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task A_consumer_may_have_a_tag_and_ask_for_a_long_time_to_settle()
    {
        var queue = await DeclareAsync();
        await using var consumer = await Broker.ConsumeAsync(
            new ConsumerSpec(queue, 5) { Tag = "工人-1", LongestDelivery = TimeSpan.FromHours(2) }, Cancel).Within();
        consumer.IsConsuming.ShouldBeTrue();

        await NothingElseComesAsync(consumer, queue);
    }

    /// <summary>Stated for classic queues only: RabbitMQ does not look at the flag on quorum queues.</summary>
    [Fact]
    public async Task An_exclusive_consumer_refuses_a_second_one_until_it_leaves()
    {
        Assert.SkipWhen(_fixture.QueueType == QueueType.Quorum, "RabbitMQ does not know exclusive consumers on quorum queues.");
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        var exclusive = await Broker.ConsumeAsync(new ConsumerSpec(queue, 5) { Exclusive = true }, Cancel).Within();

        var failure = await Should.ThrowAsync<BrokerException>(() => ConsumeAsync(other, queue));
        failure.ShouldNotBeOfType<QueueNotFoundException>();
        failure.Message.ShouldContain(queue);
        await NothingElseComesAsync(exclusive, queue);

        await exclusive.DisposeAsync().Within();
        await UntilConsumersAsync(queue, 0);
        await using var next = await ConsumeAsync(other, queue);
        await NothingElseComesAsync(next, queue);
    }

    [Fact]
    public async Task A_queue_with_a_consumer_refuses_an_exclusive_one()
    {
        Assert.SkipWhen(_fixture.QueueType == QueueType.Quorum, "RabbitMQ does not know exclusive consumers on quorum queues.");
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue);

        await Should.ThrowAsync<BrokerException>(
            () => Broker.ConsumeAsync(new ConsumerSpec(queue, 5) { Exclusive = true }, Cancel).Within());

        await NothingElseComesAsync(consumer, queue);
    }
}
