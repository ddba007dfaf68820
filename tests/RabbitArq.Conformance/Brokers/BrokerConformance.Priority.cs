using RabbitArq.Brokers;
using RabbitArq.Messages;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

public abstract partial class BrokerConformance
{
    private bool HasPriorities => Capabilities.PriorityQueueTypes.Contains(_fixture.QueueType);

    [Fact]
    public async Task A_higher_priority_goes_first_where_declared_and_nowhere_else()
    {
        var queue = await DeclareWithPrioritiesAsync();
        await PublishInOrderAsync(queue, Prioritised("low1", 1), Prioritised("low2", 1), Prioritised("high", 9));

        await using var consumer = await ConsumeAsync(queue, prefetch: 1);

        (await TakeAsync(consumer, 3)).ShouldBe(HasPriorities ? ["high", "low1", "low2"] : ["low1", "low2", "high"]);
    }

    /// <summary>
    /// Not stated against 1 to 3: the official client of RabbitMQ leaves a priority of 0 away, and quorum queues from 4.3 on
    /// take a message without one for a 4.
    /// </summary>
    [Fact]
    public async Task The_priority_zero_goes_behind_a_high_one()
    {
        Assert.SkipUnless(HasPriorities, $"Declared: no priorities on {_fixture.QueueType} queues (PriorityQueueTypes).");
        var queue = await DeclareWithPrioritiesAsync();
        await PublishInOrderAsync(queue, Prioritised("zero", 0), Prioritised("nine", 9));

        await using var consumer = await ConsumeAsync(queue, prefetch: 1);

        (await TakeAsync(consumer, 2)).ShouldBe(["nine", "zero"]);
    }

    [Fact]
    public async Task Messages_of_one_priority_keep_their_order()
    {
        var queue = await DeclareWithPrioritiesAsync();
        await PublishInOrderAsync(queue, Enumerable.Range(0, 20).Select(number => Prioritised($"m{number}", 5)).ToArray());

        await using var consumer = await ConsumeAsync(queue, prefetch: 3);

        (await TakeAsync(consumer, 20)).ShouldBe(Enumerable.Range(0, 20).Select(number => $"m{number}"));
    }

    [Fact]
    public async Task An_urgent_message_overtakes_those_that_wait_but_not_the_one_in_hand()
    {
        Assert.SkipUnless(HasPriorities, $"Declared: no priorities on {_fixture.QueueType} queues (PriorityQueueTypes).");
        var queue = await DeclareWithPrioritiesAsync();
        await PublishInOrderAsync(queue, Prioritised("first", 1), Prioritised("second", 1));
        await using var consumer = await ConsumeAsync(queue, prefetch: 1);
        var inHand = await consumer.NextAsync();
        await PublishInOrderAsync(queue, Prioritised("urgent", 9));

        TextOf(await AckAsync(inHand)).ShouldBe("first");

        (await TakeAsync(consumer, 2)).ShouldBe(["urgent", "second"]);
    }

    [Fact]
    public async Task A_priority_above_the_queues_highest_counts_as_the_highest()
    {
        Assert.SkipUnless(HasPriorities, $"Declared: no priorities on {_fixture.QueueType} queues (PriorityQueueTypes).");
        var queue = await DeclareWithPrioritiesAsync();
        await PublishInOrderAsync(queue, Prioritised("low", 1), Prioritised("above", 40), Prioritised("far above", 255));

        await using var consumer = await ConsumeAsync(queue, prefetch: 1);

        var deliveries = new List<Delivery>();
        while (deliveries.Count < 3)
        {
            deliveries.Add(await AckAsync(await consumer.NextAsync()));
        }

        TextOf(deliveries[2]).ShouldBe("low");
        deliveries.Select(delivery => (int?)delivery.Message.Priority).Order().ShouldBe([1, 40, 255]);
        if (_fixture.QueueType == QueueType.Classic)
        {
            // The queue's highest priority is 10 (a quorum queue's own is not said), so these two are alike.
            TextsOf(deliveries.Take(2)).ShouldBe(["above", "far above"]);
        }
    }

    private static BrokerMessage Prioritised(string text, byte priority) => Text(text) with { Priority = priority };

    /// <summary>A classic queue has priorities only when declared with a highest one, a quorum queue only without.</summary>
    private Task<string> DeclareWithPrioritiesAsync() =>
        DeclareAsync(Queue() with { MaxPriority = _fixture.QueueType == QueueType.Classic ? 10 : null });

    private async Task PublishInOrderAsync(string queue, params BrokerMessage[] messages)
    {
        foreach (var message in messages)
        {
            await PublishAsync(queue, message);
        }
    }
}
