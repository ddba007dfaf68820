using RabbitArq.Brokers;
using RabbitArq.Messages;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

/// <summary>
/// Messages with a due time. Order is looked at only where the machine was quick enough to publish everything before the
/// first was due; else the test is done again, since a stalled machine says nothing of the broker.
/// </summary>
public abstract partial class BrokerConformance
{
    /// <summary>A broker may count in whole milliseconds, by a clock read at another moment than the test's.</summary>
    private static readonly TimeSpan ClockGrain = TimeSpan.FromMilliseconds(5);

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    [Theory]
    [InlineData(300)]
    [InlineData(777)]
    public async Task A_delayed_message_comes_when_it_is_due_and_not_before(int milliseconds)
    {
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue);
        var due = Now + TimeSpan.FromMilliseconds(milliseconds);
        await PublishAsync(Delayed(queue, "m", due));

        var delivery = await consumer.NextAsync();

        Now.ShouldBeGreaterThanOrEqualTo(due - ClockGrain);
        TextOf(await AckAsync(delivery)).ShouldBe("m");
        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task A_short_delay_behind_a_long_one_is_not_held_up_and_all_come_in_the_order_of_their_due_times()
    {
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue);
        await PublishInTimeAsync(consumer, queue, [("third", 1500), ("first", 500), ("fourth", 2000), ("second", 1000)]);

        (await TakeAsync(consumer, 4)).ShouldBe(["first", "second", "third", "fourth"]);
    }

    [Fact]
    public async Task A_delayed_message_does_not_hold_up_those_that_are_due_at_once()
    {
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue);
        await PublishInTimeAsync(consumer, queue, [("later", 1000), ("now", 0)]);

        (await TakeAsync(consumer, 2)).ShouldBe(["now", "later"]);
    }

    [Fact]
    public async Task A_due_time_in_the_past_means_at_once()
    {
        var queue = await DeclareAsync();

        await PublishAsync(Delayed(queue, "past", Now.AddHours(-1)));

        (await QueueAsync(queue)).MessagesReady.ShouldBe(1);
        await using var consumer = await ConsumeAsync(queue);
        (await TakeAsync(consumer)).ShouldBe("past");
    }

    [Fact]
    public async Task A_delayed_message_outlives_its_publisher()
    {
        NeedsASharedStore();
        var publisher = await OtherAsync();
        var queue = await DeclareAsync();
        var due = Now + TimeSpan.FromMilliseconds(500);
        await PublishAsync(publisher, Delayed(queue, "m", due));
        await _fixture.CloseAsync(publisher);

        await using var consumer = await ConsumeAsync(queue);

        (await TakeAsync(consumer)).ShouldBe("m");
        Now.ShouldBeGreaterThanOrEqualTo(due - ClockGrain);
    }

    [Fact]
    public async Task A_delayed_message_arrives_as_it_was_published()
    {
        var queue = await DeclareAsync();
        var message = new BrokerMessage
        {
            Body = "{\"文\":1}"u8.ToArray(),
            MessageId = "id",
            Type = "type",
            ContentType = "application/json",
            ContentEncoding = "utf-8",
            CorrelationId = "c",
            ReplyTo = "r",
            AppId = "a",
            Priority = 4,
            Timestamp = Instant,
            Headers = Headers,
        };
        await PublishAsync(new PublishRequest(message, queue) { DueAt = Now.AddMilliseconds(300) });
        await using var consumer = await ConsumeAsync(queue);

        var delivery = await consumer.NextAsync();

        delivery.QueueName.ShouldBe(queue);
        delivery.Redelivered.ShouldBeFalse();
        delivery.DeliveryCount.ShouldBe(0);
        delivery.Message.Body.ToArray().ShouldBe(message.Body.ToArray());
        (delivery.Message with { Body = message.Body, Headers = message.Headers }).ShouldBe(message);
        foreach (var (name, value) in Headers)
        {
            Describe(delivery.Message.Headers.GetValueOrDefault(name, "absent")).ShouldBe(Describe(value), name);
        }
    }

    [Fact]
    public async Task Many_delayed_messages_all_come_each_once()
    {
        const int Count = 200;
        var queue = await DeclareAsync();
        var start = Now;
        await Task.WhenAll(Enumerable.Range(0, Count).Select(
            number => PublishAsync(Delayed(queue, $"m{number}", start.AddMilliseconds(300 + (number * 37 % 500))))));
        await using var consumer = await ConsumeAsync(queue, prefetch: 50);

        var texts = await TakeAsync(consumer, Count);

        texts.Distinct().Count().ShouldBe(Count);
        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task A_queue_tells_how_many_messages_are_not_due_yet()
    {
        var queue = await DeclareAsync();
        await PublishAsync(Delayed(queue, "m", Now.AddMinutes(10)));

        var info = await QueueAsync(queue);

        info.MessagesReady.ShouldBe(0);
        info.MessagesDelayed.ShouldBe(Capabilities.TellsUnacknowledged ? 1 : null);
    }

    /// <summary>As on RabbitMQ, where a message that is not due is in no queue that could be purged.</summary>
    [Fact]
    public async Task Purging_leaves_messages_that_are_not_due_yet()
    {
        var queue = await DeclareAsync();
        await using var marker = await ConsumeAsync(await DeclareAsync("unrelated"));
        DateTimeOffset due;
        long purged;
        do
        {
            due = Now.AddMilliseconds(700);
            await PublishAsync(Delayed(queue, "later", due));
            purged = await Broker.Inspector.PurgeAsync(queue, Cancel).Within();
        }
        while (Now >= due);

        purged.ShouldBe(0);
        await using var consumer = await ConsumeAsync(queue);
        (await TakeAsync(consumer)).ShouldBe("later");
    }

    /// <summary>A message with a due time names its queue by the routing key; there is no way through an exchange.</summary>
    [Fact]
    public async Task A_due_time_together_with_an_exchange_is_refused()
    {
        var queue = await DeclareAsync();

        await Should.ThrowAsync<ArgumentException>(
            () => PublishAsync(Delayed(queue, "m", Now.AddMinutes(1)) with { Exchange = "amq.direct" }));
    }

    private static PublishRequest Delayed(string queue, string text, DateTimeOffset? due) => new(Text(text), queue) { DueAt = due };

    /// <summary>
    /// Publishes in the given order with the given delays (0: no due time), all counted from one instant, and makes sure
    /// that the last confirm came before the first due time.
    /// </summary>
    private async Task PublishInTimeAsync(IBrokerConsumer consumer, string queue, (string Text, int Milliseconds)[] messages)
    {
        // The first delayed publish of a broker may have to declare what delays need.
        await PublishAsync(Delayed(queue, "warm-up", Now.AddMilliseconds(1)));
        (await TakeAsync(consumer)).ShouldBe("warm-up");
        for (var tries = 0; tries < 5; tries++)
        {
            var start = Now;
            foreach (var (text, milliseconds) in messages)
            {
                await PublishAsync(Delayed(queue, text, milliseconds == 0 ? null : start.AddMilliseconds(milliseconds)));
            }

            if (Now < start.AddMilliseconds(messages.Where(message => message.Milliseconds > 0).Min(message => message.Milliseconds)))
            {
                return;
            }

            await TakeAsync(consumer, messages.Length);
        }

        Assert.Skip("The machine was too slow five times to publish a handful of messages in half a second.");
    }
}
