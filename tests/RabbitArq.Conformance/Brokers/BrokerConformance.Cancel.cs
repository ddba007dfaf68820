using RabbitArq.Brokers;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

public abstract partial class BrokerConformance
{
    [Fact]
    public async Task Cancelling_hands_back_at_once_what_was_not_read()
    {
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c", "d", "e");
        await using var consumer = await ConsumeAsync(queue, prefetch: 10);
        var read = await consumer.NextAsync();
        TextOf(read).ShouldBe("a");

        await consumer.CancelAsync(Cancel).Within();

        // The first consumer still stands: what comes now was handed back, not freed by its end.
        await using var next = await ConsumeAsync(other, queue);
        (await TakeAsync(next, 4)).ShouldBe(["b", "c", "d", "e"]);
        await NothingElseComesAsync(next, queue);
    }

    [Fact]
    public async Task After_cancelling_no_delivery_can_be_read_and_none_arrives()
    {
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c");
        await using var consumer = await ConsumeAsync(queue);
        await consumer.NextAsync();

        await consumer.CancelAsync(Cancel).Within();

        consumer.IsConsuming.ShouldBeFalse();
        (await consumer.Deliveries.WaitToReadAsync(Cancel).Within()).ShouldBeFalse();
        await consumer.Deliveries.Completion.Within();
        await PublishInOrderAsync(queue, "d");
        await UntilReadyAsync(queue, 3);
        consumer.Deliveries.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Cancelling_ends_a_read_that_waits()
    {
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue);
        var waiting = consumer.Deliveries.WaitToReadAsync(Cancel).AsTask();
        waiting.IsCompleted.ShouldBeFalse();

        await consumer.CancelAsync(Cancel).Within();

        (await waiting.Within()).ShouldBeFalse();
    }

    [Theory]
    [InlineData(Settlement.Ack)]
    [InlineData(Settlement.Requeue)]
    [InlineData(Settlement.Reject)]
    public async Task A_delivery_read_before_cancelling_can_be_settled_after_it(Settlement settlement)
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync();
        await PublishAsync(queue, "m");
        await using var consumer = await ConsumeAsync(queue);
        var delivery = await consumer.NextAsync();
        await consumer.CancelAsync(Cancel).Within();

        delivery.IsLive.ShouldBeTrue();
        (await delivery.SettleAsync(settlement, Cancel).Within()).ShouldBeTrue();

        await UntilReadyAsync(queue, settlement == Settlement.Requeue ? 1 : 0);
        await UntilReadyAsync(dead, settlement == Settlement.Reject ? 1 : 0);
        await consumer.DisposeAsync().Within();
        (await QueueAsync(queue)).MessagesReady.ShouldBe(settlement == Settlement.Requeue ? 1 : 0);
    }

    [Fact]
    public async Task Cancelling_and_then_disposing_loses_nothing()
    {
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c", "d", "e");
        var consumer = await ConsumeAsync(queue, prefetch: 4);
        var held = await consumer.NextAsync(3);

        await consumer.CancelAsync(Cancel).Within();
        await AckAsync(held[1]);
        await consumer.DisposeAsync().Within();

        await using var next = await ConsumeAsync(queue);
        (await TakeAsync(next, 4)).ShouldBe(["a", "c", "d", "e"], ignoreOrder: true);
        await NothingElseComesAsync(next, queue);
    }

    [Fact]
    public async Task Cancelling_while_messages_pour_in_loses_nothing()
    {
        const int Count = 300;
        var queue = await DeclareAsync();
        var texts = new List<string>();
        var consumer = await ConsumeAsync(queue, prefetch: 20);
        var publishing = PublishAsync(queue, Enumerable.Range(0, Count).Select(number => $"m{number}"));
        texts.AddRange(await TakeAsync(consumer, 40));

        await consumer.CancelAsync(Cancel).Within();
        await publishing;
        await consumer.DisposeAsync().Within();

        await using var next = await ConsumeAsync(queue, prefetch: 100);
        texts.AddRange(await TakeAsync(next, Count - texts.Count));
        texts.Distinct().Count().ShouldBe(Count);
        await NothingElseComesAsync(next, queue);
    }

    [Fact]
    public async Task Cancelling_and_disposing_twice_is_harmless()
    {
        var queue = await DeclareAsync();
        await PublishAsync(queue, "m");
        var consumer = await ConsumeAsync(queue);
        await consumer.NextAsync();

        await consumer.CancelAsync(Cancel).Within();
        await consumer.CancelAsync(Cancel).Within();
        await consumer.DisposeAsync().Within();
        await consumer.DisposeAsync().Within();

        await using var next = await ConsumeAsync(queue);
        (await TakeAsync(next)).ShouldBe("m");
    }

    [Fact]
    public async Task One_consumer_of_a_broker_may_be_cancelled_while_others_go_on()
    {
        var queue = await DeclareAsync();
        var unrelated = await DeclareAsync("unrelated");
        await using var first = await ConsumeAsync(queue, prefetch: 1);
        await using var second = await ConsumeAsync(queue, prefetch: 1);
        await using var third = await ConsumeAsync(unrelated, prefetch: 1);

        await first.CancelAsync(Cancel).Within();

        await NothingElseComesAsync(second, queue);
        await NothingElseComesAsync(third, unrelated);
    }
}
