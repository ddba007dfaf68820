using RabbitArq.Brokers;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

public abstract partial class BrokerConformance
{
    [Fact]
    public async Task A_broker_tells_what_it_is_and_no_secret()
    {
        var info = await Broker.Inspector.GetBrokerAsync(Cancel).Within();

        info.Product.ShouldNotBeNullOrWhiteSpace();
        info.Version.ShouldMatch(@"^\d+\.\d+");
        info.Url.ShouldNotBeNullOrWhiteSpace();
        if (_fixture.Password is { } password)
        {
            info.ToString().ShouldNotContain(password);
        }
    }

    [Fact]
    public async Task A_queue_that_does_not_exist_is_not_found_and_not_created()
    {
        var missing = _fixture.QueueName("missing");

        (await Broker.Inspector.FindQueueAsync(missing, Cancel).Within()).ShouldBeNull();
        (await Broker.Inspector.FindQueueAsync(missing, Cancel).Within()).ShouldBeNull();
    }

    [Fact]
    public async Task Looking_for_a_missing_queue_disturbs_nothing_else()
    {
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue);
        await PublishAsync(queue, "held");
        var held = await consumer.NextAsync();

        (await Broker.Inspector.FindQueueAsync(_fixture.QueueName("missing"), Cancel).Within()).ShouldBeNull();

        held.IsLive.ShouldBeTrue();
        await AckAsync(held);
        await NothingElseComesAsync(consumer, queue);
    }

    [Fact]
    public async Task A_new_queue_is_found_empty()
    {
        var queue = await DeclareAsync();

        var info = await QueueAsync(queue);

        info.Name.ShouldBe(queue);
        info.MessagesReady.ShouldBe(0);
        info.Consumers.ShouldBe(0);
        info.MessagesUnacknowledged.ShouldBe(Capabilities.TellsUnacknowledged ? 0 : null);
        info.MessagesDelayed.ShouldBe(Capabilities.TellsUnacknowledged ? 0 : null);
    }

    [Fact]
    public async Task A_queue_tells_what_waits_and_what_is_in_hands()
    {
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c", "d", "e");
        await using var consumer = await ConsumeAsync(queue, prefetch: 2);
        var held = await consumer.NextAsync(2);

        var info = (await other.Inspector.FindQueueAsync(queue, Cancel).Within()).ShouldNotBeNull();
        info.MessagesReady.ShouldBe(3);
        info.Consumers.ShouldBe(1);
        info.MessagesUnacknowledged.ShouldBe(Capabilities.TellsUnacknowledged ? 2 : null);

        await consumer.CancelAsync(Cancel).Within();
        await AckAsync(held[0]);
        (await UntilReadyAsync(queue, 3)).MessagesUnacknowledged.ShouldBe(Capabilities.TellsUnacknowledged ? 1 : null);
    }

    [Fact]
    public async Task A_queue_tells_how_many_consumers_it_has()
    {
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        var first = await ConsumeAsync(queue);
        await UntilConsumersAsync(queue, 1);
        var second = await ConsumeAsync(other, queue);
        await UntilConsumersAsync(queue, 2);

        await first.DisposeAsync().Within();
        await UntilConsumersAsync(queue, 1);
        await second.DisposeAsync().Within();
        await UntilConsumersAsync(queue, 0);
    }

    [Fact]
    public async Task Purging_deletes_what_waits_and_tells_how_many()
    {
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c");

        (await Broker.Inspector.PurgeAsync(queue, Cancel).Within()).ShouldBe(3);
        (await Broker.Inspector.PurgeAsync(queue, Cancel).Within()).ShouldBe(0);

        await IsEmptyAsync(queue);
    }

    [Fact]
    public async Task Purging_leaves_what_is_in_a_consumers_hands()
    {
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c", "d");
        await using var consumer = await ConsumeAsync(queue, prefetch: 2);
        var held = await consumer.NextAsync(2);

        (await Broker.Inspector.PurgeAsync(queue, Cancel).Within()).ShouldBe(2);

        await AckAsync(held[0]);
        await held[1].SettleAsync(Settlement.Requeue, Cancel).Within();
        (await TakeAsync(consumer)).ShouldBe("b");
        await NothingElseComesAsync(consumer, queue);
    }

    /// <summary>As on RabbitMQ: purging is not dead-lettering.</summary>
    [Fact]
    public async Task Purged_messages_do_not_become_dead_letters()
    {
        var (queue, dead) = await DeclareWithDeadLettersAsync();
        await PublishInOrderAsync(queue, "a", "b");

        (await Broker.Inspector.PurgeAsync(queue, Cancel).Within()).ShouldBe(2);

        await IsEmptyAsync(dead);
    }

    [Fact]
    public async Task Purging_a_queue_that_does_not_exist_is_an_error_that_names_it()
    {
        var missing = _fixture.QueueName("missing");
        var queue = await DeclareAsync();

        var failure = await Should.ThrowAsync<QueueNotFoundException>(() => Broker.Inspector.PurgeAsync(missing, Cancel).Within());

        failure.QueueName.ShouldBe(missing);
        failure.Message.ShouldContain(missing);
        await IsEmptyAsync(queue);
    }
}
