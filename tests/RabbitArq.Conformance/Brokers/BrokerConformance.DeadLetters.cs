using RabbitArq.Brokers;
using RabbitArq.Messages;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

/// <summary>Rejected and expired messages.</summary>
public abstract partial class BrokerConformance
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task A_rejected_message_goes_to_the_dead_letters_untouched()
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync();
        var message = new BrokerMessage
        {
            Body = new byte[] { 0, 255, 1, 254 },
            MessageId = "id",
            Type = "type",
            ContentType = "application/octet-stream",
            CorrelationId = "c",
            Priority = 2,
            Timestamp = Instant,
            Headers = Headers,
        };
        await PublishAsync(queue, message);
        await using var consumer = await ConsumeAsync(queue);
        await using var deadConsumer = await ConsumeAsync(dead);

        await (await consumer.NextAsync()).SettleAsync(Settlement.Reject, Cancel).Within();

        var delivery = await AckAsync(await deadConsumer.NextAsync());
        delivery.QueueName.ShouldBe(dead);
        delivery.Message.Body.ToArray().ShouldBe(message.Body.ToArray());
        (delivery.Message with { Body = message.Body, Headers = message.Headers }).ShouldBe(message);
        foreach (var (name, value) in Headers)
        {
            Describe(delivery.Message.Headers.GetValueOrDefault(name, "absent")).ShouldBe(Describe(value), name);
        }

        await NothingElseComesAsync(deadConsumer, dead);
        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task A_rejected_message_without_a_dead_letter_target_is_dropped()
    {
        var queue = await DeclareAsync();
        await PublishAsync(queue, "m");
        await using var consumer = await ConsumeAsync(queue);

        (await (await consumer.NextAsync()).SettleAsync(Settlement.Reject, Cancel).Within()).ShouldBeTrue();

        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task Dead_letters_may_go_through_an_exchange_under_their_own_routing_key()
    {
        var dead = Queue("dead");
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Direct);
        var queue = Queue() with { DeadLetterExchange = exchange.Name };
        await ApplyAsync(new TopologyPlan
        {
            Exchanges = [exchange],
            Queues = [queue, dead],
            Bindings = [new BindingSpec(exchange.Name, dead.Name, queue.Name)],
        });
        await PublishAsync(queue.Name, "m");
        await using var consumer = await ConsumeAsync(queue.Name);
        await (await consumer.NextAsync()).SettleAsync(Settlement.Reject, Cancel).Within();

        await using var deadConsumer = await ConsumeAsync(dead.Name);
        var delivery = await deadConsumer.NextAsync();

        TextOf(delivery).ShouldBe("m");
        delivery.Exchange.ShouldBe(exchange.Name);
        delivery.RoutingKey.ShouldBe(queue.Name);
    }

    /// <summary>As on RabbitMQ: dead-lettering to a queue that is missing drops the message, and nothing else suffers.</summary>
    [Fact]
    public async Task A_rejected_message_whose_dead_letter_queue_is_missing_is_dropped()
    {
        var queue = await DeclareAsync(Queue() with { DeadLetterExchange = "", DeadLetterRoutingKey = _fixture.QueueName("missing") });
        await PublishAsync(queue, "m");
        await using var consumer = await ConsumeAsync(queue);

        await (await consumer.NextAsync()).SettleAsync(Settlement.Reject, Cancel).Within();

        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task An_expired_message_is_dead_lettered_and_not_delivered()
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync();
        await using var deadConsumer = await ConsumeAsync(dead);
        await PublishAsync(queue, Text("expires") with { Expiration = Short });

        var delivery = await deadConsumer.NextAsync();

        TextOf(delivery).ShouldBe("expires");
        delivery.Message.MessageId.ShouldBe("expires");
        await IsEmptyAsync(queue);
    }

    /// <summary>Otherwise it would expire a second time and be lost from the dead letters.</summary>
    [Fact]
    public async Task A_dead_letter_does_not_expire_again()
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync();
        await PublishAsync(queue, Text("expires") with { Expiration = Short });
        await UntilReadyAsync(dead, 1);
        await ASecondShortTimePassesAsync();

        await using var deadConsumer = await ConsumeAsync(dead);
        var delivery = await deadConsumer.NextAsync();

        TextOf(delivery).ShouldBe("expires");
        delivery.Message.Expiration.ShouldBeNull();
    }

    [Fact]
    public async Task An_expired_message_without_a_dead_letter_target_is_dropped()
    {
        var queue = await DeclareAsync();
        await PublishAsync(queue, Text("expires") with { Expiration = Short });
        await PublishAsync(queue, Text("stays") with { Expiration = TimeSpan.FromMinutes(10) });
        await ASecondShortTimePassesAsync();

        await using var consumer = await ConsumeAsync(queue);

        (await TakeAsync(consumer)).ShouldBe("stays");
    }

    [Fact]
    public async Task Messages_that_wait_longer_than_their_queue_allows_are_dead_lettered_in_order()
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync(spec => spec with { MessageTtl = Short });
        await using var deadConsumer = await ConsumeAsync(dead);
        await PublishInOrderAsync(queue, "a", "b", "c");

        (await TakeAsync(deadConsumer, 3)).ShouldBe(["a", "b", "c"]);

        (await QueueAsync(queue)).MessagesReady.ShouldBe(0);
    }

    [Fact]
    public async Task The_shorter_of_the_messages_and_the_queues_time_counts()
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync(spec => spec with { MessageTtl = TimeSpan.FromMinutes(10) });
        await PublishAsync(queue, Text("own") with { Expiration = Short });
        await UntilReadyAsync(dead, 1);

        (await QueueAsync(queue)).MessagesReady.ShouldBe(0);
    }

    [Fact]
    public async Task A_message_in_a_consumers_hands_does_not_expire()
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync(spec => spec with { MessageTtl = TimeSpan.FromMilliseconds(500) });
        await using var consumer = await ConsumeAsync(queue, prefetch: 1);
        await PublishAsync(queue, "held");
        var held = await consumer.NextAsync();
        await PublishAsync(queue, "waits");
        await UntilReadyAsync(dead, 1);

        await AckAsync(held);

        await using var deadConsumer = await ConsumeAsync(dead);
        (await TakeAsync(deadConsumer)).ShouldBe("waits");
        await NothingElseComesAsync(deadConsumer, dead);
    }

    [Fact]
    public async Task The_oldest_message_of_a_full_queue_is_dead_lettered()
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync(spec => spec with { MaxLength = 2 });
        await PublishInOrderAsync(queue, "a", "b", "c");

        await using var deadConsumer = await ConsumeAsync(dead);
        (await TakeAsync(deadConsumer)).ShouldBe("a");
        (await UntilReadyAsync(queue, 2)).MessagesReady.ShouldBe(2);
    }

    /// <summary>Stated for quorum queues: classic ones of RabbitMQ do not count.</summary>
    [Fact]
    public async Task A_message_that_kills_its_consumers_is_dead_lettered_at_the_delivery_limit()
    {
        const int Limit = 2;
        Assert.SkipWhen(_fixture.QueueType == QueueType.Classic, "RabbitMQ knows delivery limits on quorum queues only.");
        var (queue, dead) = await DeclareWithDeadLettersAsync(spec => spec with { DeliveryLimit = Limit });
        await PublishAsync(queue, "poison");
        for (var before = 0; before <= Limit; before++)
        {
            await using var dying = await ConsumeAsync(queue);
            (await dying.NextAsync()).DeliveryCount.ShouldBe(before);
        }

        await using var deadConsumer = await ConsumeAsync(dead);

        (await TakeAsync(deadConsumer)).ShouldBe("poison");
        await IsEmptyAsync(queue);
    }

    /// <summary>Ends when a message published now, with a time twice as long as <see cref="Short"/>, has expired.</summary>
    private async Task ASecondShortTimePassesAsync()
    {
        var rung = Queue("bell rung");
        var bell = Queue("bell") with { DeadLetterExchange = "", DeadLetterRoutingKey = rung.Name };
        await ApplyAsync(new TopologyPlan { Queues = [rung, bell] });
        await using var consumer = await ConsumeAsync(rung.Name);
        await PublishAsync(bell.Name, Text("bell") with { Expiration = 2 * Short });
        await consumer.NextAsync();
    }
}
