using RabbitArq.Brokers;
using RabbitArq.Messages;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

public abstract partial class BrokerConformance
{
    [Fact]
    public async Task A_confirmed_message_is_in_the_queue_for_every_broker()
    {
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        for (var count = 1; count <= 5; count++)
        {
            await PublishAsync(queue, $"m{count}");

            (await other.Inspector.FindQueueAsync(queue, Cancel).Within()).ShouldNotBeNull().MessagesReady.ShouldBe(count);
        }
    }

    [Fact]
    public async Task A_confirmed_message_outlives_its_publisher()
    {
        NeedsASharedStore();
        var publisher = await OtherAsync();
        var queue = await DeclareAsync();
        await PublishAsync(publisher, new PublishRequest(Text("kept"), queue));
        await _fixture.CloseAsync(publisher);

        await using var consumer = await ConsumeAsync(queue);

        (await TakeAsync(consumer)).ShouldBe("kept");
    }

    [Fact]
    public async Task A_thousand_publishes_at_once_all_arrive_each_once()
    {
        const int Count = 1000;
        var queue = await DeclareAsync();
        await PublishAsync(queue, Enumerable.Range(0, Count).Select(number => $"m{number}"));
        (await QueueAsync(queue)).MessagesReady.ShouldBe(Count);

        await using var consumer = await ConsumeAsync(queue, prefetch: 500);
        var texts = await TakeAsync(consumer, Count);

        texts.Distinct().Count().ShouldBe(Count);
        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task Publishes_of_two_brokers_into_one_queue_all_arrive()
    {
        const int Each = 200;
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue, prefetch: 50);

        var publishing = Task.WhenAll(Enumerable.Range(0, Each).SelectMany(number => new[]
        {
            PublishAsync(Broker, new PublishRequest(Text($"a{number}"), queue)),
            PublishAsync(other, new PublishRequest(Text($"b{number}"), queue)),
        }));
        var texts = await TakeAsync(consumer, 2 * Each);
        await publishing;

        texts.Distinct().Count().ShouldBe(2 * Each);
        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task A_message_that_no_queue_takes_is_an_error_that_names_the_routing_key()
    {
        var missing = _fixture.QueueName("missing");
        var request = new PublishRequest(Text("lost"), missing);

        var failure = await Should.ThrowAsync<UnroutableException>(() => PublishAsync(request));

        failure.Message.ShouldContain(missing);
        failure.Request.ShouldBe(request);
        failure.MayHaveArrived.ShouldBeFalse();
        (await Broker.Inspector.FindQueueAsync(missing, Cancel).Within()).ShouldBeNull();
    }

    [Fact]
    public async Task One_unroutable_message_among_many_fails_alone()
    {
        var queue = await DeclareAsync();
        var missing = _fixture.QueueName("missing");
        var before = PublishAsync(queue, Enumerable.Range(0, 50).Select(number => $"a{number}"));
        var lost = PublishAsync(missing, Text("lost"));
        var after = PublishAsync(queue, Enumerable.Range(0, 50).Select(number => $"b{number}"));

        await Should.ThrowAsync<UnroutableException>(lost);
        await Task.WhenAll(before, after);

        (await QueueAsync(queue)).MessagesReady.ShouldBe(100);
    }

    [Fact]
    public async Task A_message_that_may_be_unroutable_is_dropped_silently()
    {
        await PublishAsync(new PublishRequest(Text("lost"), _fixture.QueueName("missing")) { Mandatory = false });
    }

    /// <summary>RabbitMQ closes the publisher's channel over this; the publisher must get over it.</summary>
    [Fact]
    public async Task A_publish_to_an_exchange_that_does_not_exist_is_an_error_and_the_publisher_goes_on()
    {
        var queue = await DeclareAsync();
        var exchange = _fixture.ExchangeName("missing");

        var failure = await Should.ThrowAsync<PublishException>(
            () => PublishAsync(new PublishRequest(Text("lost"), "key") { Exchange = exchange }));

        failure.Message.ShouldContain(exchange);
        failure.MayHaveArrived.ShouldBeFalse();
        await PublishAsync(queue, "next");
        (await QueueAsync(queue)).MessagesReady.ShouldBe(1);
    }

    /// <summary>A quorum queue notices a little late that it is full, so the number taken is a floor, and honest.</summary>
    [Fact]
    public async Task A_full_queue_that_rejects_publishes_refuses_and_keeps_what_it_took()
    {
        const int Max = 5;
        const int Tries = 60;
        var queue = await DeclareAsync(Queue() with { MaxLength = Max, RejectPublishWhenFull = true });
        var taken = 0;
        PublishRefusedException? refused = null;
        for (var number = 0; number < Tries && refused is null; number++)
        {
            try
            {
                await PublishAsync(queue, Text($"m{number}"));
                taken++;
            }
            catch (PublishRefusedException failure)
            {
                refused = failure;
            }
        }

        refused.ShouldNotBeNull($"{taken} messages went into a queue of {Max}.");
        refused.Message.ShouldContain(queue);
        refused.MayHaveArrived.ShouldBeFalse();
        taken.ShouldBeGreaterThanOrEqualTo(Max);
        await using var consumer = await ConsumeAsync(queue, prefetch: Tries);
        (await TakeAsync(consumer, taken)).ShouldBe(Enumerable.Range(0, taken).Select(number => $"m{number}"));
        await Deadline.Until(() => IsTakenAsync(queue, "room again"), taken => taken);
        (await TakeAsync(consumer)).ShouldBe("room again");
    }

    [Fact]
    public async Task A_full_queue_that_does_not_reject_drops_its_oldest_messages()
    {
        var queue = await DeclareAsync(Queue() with { MaxLength = 3 });
        await PublishInOrderAsync(queue, "a", "b", "c", "d", "e");
        await UntilReadyAsync(queue, 3);

        await using var consumer = await ConsumeAsync(queue);

        (await TakeAsync(consumer, 3)).ShouldBe(["c", "d", "e"]);
    }

    [Fact]
    public async Task A_body_above_the_declared_limit_is_refused_and_the_publisher_goes_on()
    {
        var limit = Capabilities.MaxBodyBytes;
        Assert.SkipWhen(limit >= 512L << 20, $"The declared limit, {limit} bytes, is too large to try here.");
        var queue = await DeclareAsync();
        var tooLarge = new BrokerMessage { Body = GC.AllocateUninitializedArray<byte>((int)limit + 1) };

        var failure = await Should.ThrowAsync<MessageTooLargeException>(() => PublishAsync(queue, tooLarge));

        failure.MayHaveArrived.ShouldBeFalse();
        await PublishAsync(queue, "next");
        (await QueueAsync(queue)).MessagesReady.ShouldBe(1);
    }

    [Fact]
    public async Task A_publish_with_a_cancelled_token_ends_at_once()
    {
        var queue = await DeclareAsync();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        var publishing = Broker.Publisher.PublishAsync(new PublishRequest(Text("never"), queue), cancelled.Token).AsTask();

        await Should.ThrowAsync<OperationCanceledException>(() => publishing.Within(TimeSpan.FromSeconds(5)));
        await PublishAsync(queue, "next");
    }

    private async Task<bool> IsTakenAsync(string queue, string text)
    {
        try
        {
            await PublishAsync(queue, Text(text));
            return true;
        }
        catch (PublishRefusedException)
        {
            return false;
        }
    }
}
