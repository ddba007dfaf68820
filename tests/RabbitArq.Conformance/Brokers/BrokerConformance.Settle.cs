using RabbitArq.Brokers;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

public abstract partial class BrokerConformance
{
    [Fact]
    public async Task An_acked_message_is_forgotten()
    {
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c");
        var consumer = await ConsumeAsync(queue);
        await TakeAsync(consumer, 3);
        await consumer.DisposeAsync().Within();

        await IsEmptyAsync(queue);
    }

    [Fact]
    public async Task An_ack_counts_even_when_the_broker_is_disposed_right_after_it()
    {
        NeedsASharedStore();
        var worker = await OtherAsync();
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, Enumerable.Range(0, 50).Select(number => $"m{number}"));
        var consumer = await ConsumeAsync(worker, queue, prefetch: 50);
        var held = await consumer.NextAsync(50);

        await Task.WhenAll(held.Select(AckAsync));
        await _fixture.CloseAsync(worker);

        await IsEmptyAsync(queue);
    }

    [Fact]
    public async Task Many_acks_after_the_cancel_count_even_when_the_consumer_is_disposed_right_after_them()
    {
        var queue = await DeclareAsync();
        await PublishAsync(queue, Enumerable.Range(0, 500).Select(number => $"m{number}"));
        for (var round = 0; round < 3; round++)
        {
            var consumer = await ConsumeAsync(queue, prefetch: 500);
            var held = await consumer.NextAsync(500);
            await consumer.CancelAsync(Cancel).Within();

            await Task.WhenAll(held.Select(AckAsync));
            await consumer.DisposeAsync().Within();

            await IsEmptyAsync(queue);
            await PublishAsync(queue, Enumerable.Range(0, 500).Select(number => $"m{number}"));
        }
    }

    [Fact]
    public async Task Deliveries_may_be_settled_in_any_order_and_each_stands_for_itself()
    {
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c", "d");
        var consumer = await ConsumeAsync(queue);
        var held = await consumer.NextAsync(4);

        await AckAsync(held[3]);
        await AckAsync(held[1]);
        await consumer.DisposeAsync().Within();

        await using var next = await ConsumeAsync(queue);
        (await TakeAsync(next, 2)).ShouldBe(["a", "c"]);
        await NothingElseComesAsync(next, queue);
    }

    [Fact]
    public async Task A_requeued_message_comes_again_and_says_so()
    {
        var queue = await DeclareAsync();
        await PublishAsync(queue, Text("again", id: "the id"));
        await using var consumer = await ConsumeAsync(queue, prefetch: 1);
        var counted = Capabilities.CountingQueueTypes.Contains(_fixture.QueueType);

        for (var before = 0; before < 3; before++)
        {
            var delivery = await consumer.NextAsync();

            delivery.Redelivered.ShouldBe(before > 0);
            delivery.DeliveryCount.ShouldBe(counted ? before : Math.Min(before, 1));
            TextOf(delivery).ShouldBe("again");
            delivery.Message.MessageId.ShouldBe("the id");
            (await delivery.SettleAsync(Settlement.Requeue, Cancel).Within()).ShouldBeTrue();
        }

        (await TakeAsync(consumer)).ShouldBe("again");
        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task A_requeued_message_goes_to_any_consumer()
    {
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a");
        await using var first = await ConsumeAsync(queue, prefetch: 1);
        var held = await first.NextAsync();
        await using var second = await ConsumeAsync(other, queue, prefetch: 1);
        await PublishInOrderAsync(queue, "b");
        TextOf(await second.NextAsync()).ShouldBe("b");

        // The first leaves before it could get its own message again, so the second is the only one who can.
        await first.CancelAsync(Cancel).Within();
        await held.SettleAsync(Settlement.Requeue, Cancel).Within();
        await UntilReadyAsync(queue, 1);
        await second.DisposeAsync().Within();

        await using var third = await ConsumeAsync(other, queue);
        (await TakeAsync(third, 2)).ShouldBe(["a", "b"], ignoreOrder: true);
    }

    [Theory]
    [InlineData(Settlement.Ack, Settlement.Requeue)]
    [InlineData(Settlement.Ack, Settlement.Reject)]
    [InlineData(Settlement.Reject, Settlement.Requeue)]
    [InlineData(Settlement.Ack, Settlement.Ack)]
    public async Task Only_the_first_settlement_counts(Settlement first, Settlement second)
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync();
        await PublishAsync(queue, "m");
        await using var consumer = await ConsumeAsync(queue);
        var delivery = await consumer.NextAsync();

        (await delivery.SettleAsync(first, Cancel).Within()).ShouldBeTrue();
        delivery.IsSettled.ShouldBeTrue();
        (await delivery.SettleAsync(second, Cancel).Within()).ShouldBeFalse();

        await NothingElseComesAsync(consumer, queue);
        await UntilReadyAsync(dead, first == Settlement.Reject ? 1 : 0);
    }

    [Fact]
    public async Task Of_many_settlements_at_once_one_counts()
    {
        var queue = await DeclareAsync();
        await PublishAsync(queue, "m");
        await using var consumer = await ConsumeAsync(queue);
        var delivery = await consumer.NextAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(
            _ => Task.Run(() => delivery.SettleAsync(Settlement.Ack, Cancel).AsTask(), Cancel))).Within();

        answers.Count(answer => answer).ShouldBe(1);
        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task Settlements_from_many_tasks_all_count()
    {
        const int Count = 300;
        var queue = await DeclareAsync();
        await PublishAsync(queue, Enumerable.Range(0, Count).Select(number => $"m{number}"));
        var consumer = await ConsumeAsync(queue, prefetch: Count);
        var held = await consumer.NextAsync(Count);

        await Task.WhenAll(held.Chunk(30).Select(chunk => Task.Run(() => Task.WhenAll(chunk.Select(AckAsync)), Cancel))).Within();
        await consumer.DisposeAsync().Within();

        await IsEmptyAsync(queue);
    }

    /// <summary>The order is not promised: quorum queues with a delivery limit put back behind what waits.</summary>
    [Fact]
    public async Task What_a_disposed_consumer_held_comes_to_another_marked_as_redelivered()
    {
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c");
        var dying = await ConsumeAsync(queue, prefetch: 2);
        await dying.NextAsync(2);
        await dying.DisposeAsync().Within();

        await using var next = await ConsumeAsync(other, queue);
        var deliveries = await next.NextAsync(3);

        TextsOf(deliveries).ShouldBe(["a", "b", "c"], ignoreOrder: true);
        deliveries.Where(delivery => TextOf(delivery) != "c").ShouldAllBe(delivery => delivery.Redelivered && delivery.DeliveryCount > 0);
    }

    [Fact]
    public async Task What_a_disposed_broker_held_comes_to_another()
    {
        NeedsASharedStore();
        var dying = await OtherAsync();
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c");
        var consumer = await ConsumeAsync(dying, queue, prefetch: 2);
        await consumer.NextAsync(2);
        await using var waiting = await ConsumeAsync(queue, prefetch: 10);
        (await TakeAsync(waiting)).ShouldBe("c");

        await _fixture.CloseAsync(dying);

        var deliveries = await waiting.NextAsync(2);
        TextsOf(deliveries).ShouldBe(["a", "b"], ignoreOrder: true);
        deliveries.ShouldAllBe(delivery => delivery.Redelivered);
    }

    [Fact]
    public async Task A_delivery_of_a_disposed_consumer_is_dead_and_settling_it_does_nothing()
    {
        var queue = await DeclareAsync();
        await PublishAsync(queue, "m");
        var dying = await ConsumeAsync(queue);
        var delivery = await dying.NextAsync();
        await dying.DisposeAsync().Within();

        delivery.IsLive.ShouldBeFalse();
        (await delivery.SettleAsync(Settlement.Ack, Cancel).Within()).ShouldBeTrue();

        await using var next = await ConsumeAsync(queue);
        (await TakeAsync(next)).ShouldBe("m");
        await NothingElseComesAsync(next, queue);
    }
}
