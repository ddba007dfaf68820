using RabbitArq.Brokers;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

public abstract partial class BrokerConformance
{
    [Fact]
    public async Task A_plan_may_be_applied_again_without_effect()
    {
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Direct);
        var queue = Queue();
        var plan = new TopologyPlan
        {
            Exchanges = [exchange],
            Queues = [queue],
            Bindings = [new BindingSpec(exchange.Name, queue.Name, "key")],
        };
        await ApplyAsync(plan);
        await PublishAsync(new PublishRequest(Text("a"), "key") { Exchange = exchange.Name });

        await ApplyAsync(plan);
        await PublishAsync(new PublishRequest(Text("b"), "key") { Exchange = exchange.Name });

        await using var consumer = await ConsumeAsync(queue.Name);
        (await TakeAsync(consumer, 2)).ShouldBe(["a", "b"]);
        await NothingElseComesAsync(consumer, queue.Name);
    }

    [Fact]
    public async Task An_empty_plan_may_be_applied()
    {
        await ApplyAsync(new TopologyPlan());
    }

    [Fact]
    public async Task Brokers_may_apply_one_plan_at_the_same_time()
    {
        var other = await OtherAsync();
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Fanout);
        var queues = Enumerable.Range(0, 4).Select(number => Queue($"q{number}")).ToList();
        var plan = new TopologyPlan
        {
            Exchanges = [exchange],
            Queues = queues,
            Bindings = [.. queues.Select(queue => new BindingSpec(exchange.Name, queue.Name))],
        };

        await Task.WhenAll(new[] { Broker, other, Broker, other }.Select(
            broker => Task.Run(() => broker.Topology.ApplyAsync(plan, Cancel), Cancel))).Within();

        await PublishAsync(new PublishRequest(Text("m"), "") { Exchange = exchange.Name });
        foreach (var queue in queues)
        {
            (await QueueAsync(queue.Name)).MessagesReady.ShouldBe(1);
        }
    }

    [Fact]
    public async Task An_existing_queue_with_other_arguments_is_adopted_as_it_is()
    {
        var other = await OtherAsync();
        var dead = Queue("dead");
        var existing = Queue();
        var next = Queue("next");
        await ApplyAsync(new TopologyPlan { Queues = [dead, existing] });
        await PublishInOrderAsync(existing.Name, "a", "b", "c");

        await other.Topology.ApplyAsync(
            new TopologyPlan
            {
                Queues =
                [
                    existing with { DeadLetterExchange = "", DeadLetterRoutingKey = dead.Name, MaxLength = 1, MessageTtl = TimeSpan.FromMilliseconds(1) },
                    next,
                ],
            },
            Cancel).Within();

        // No limit, no time to live and no dead-letter target were put on the queue, and the rest of the plan was applied.
        await PublishAsync(existing.Name, "d");
        await using var consumer = await ConsumeAsync(other, existing.Name);
        var deliveries = await consumer.NextAsync(4);
        TextsOf(deliveries).ShouldBe(["a", "b", "c", "d"]);
        await deliveries[0].SettleAsync(Settlement.Reject, Cancel).Within();
        await NothingElseComesAsync(consumer, existing.Name);
        await IsEmptyAsync(dead.Name);
        (await QueueAsync(next.Name)).MessagesReady.ShouldBe(0);
    }

    [Fact]
    public async Task An_existing_exchange_of_another_type_is_adopted_as_it_is()
    {
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Direct);
        var queue = Queue();
        await ApplyAsync(new TopologyPlan
        {
            Exchanges = [exchange],
            Queues = [queue],
            Bindings = [new BindingSpec(exchange.Name, queue.Name, "key")],
        });

        await ApplyAsync(new TopologyPlan { Exchanges = [exchange with { Type = ExchangeType.Fanout }] });

        await Should.ThrowAsync<UnroutableException>(
            () => PublishAsync(new PublishRequest(Text("m"), "other key") { Exchange = exchange.Name }));
        await PublishAsync(new PublishRequest(Text("m"), "key") { Exchange = exchange.Name });
    }

    [Fact]
    public async Task A_deleted_queue_is_gone_with_what_was_in_it()
    {
        var queue = await DeclareAsync();
        await PublishAsync(queue, "m");

        await Broker.Topology.DeleteQueueAsync(queue, Cancel).Within();

        (await Broker.Inspector.FindQueueAsync(queue, Cancel).Within()).ShouldBeNull();
        await Should.ThrowAsync<UnroutableException>(() => PublishAsync(queue, Text("m")));
        await DeclareAsync();
        await IsEmptyAsync(queue);
    }

    [Fact]
    public async Task A_deleted_queue_loses_its_bindings()
    {
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Direct);
        var queue = Queue();
        await ApplyAsync(new TopologyPlan
        {
            Exchanges = [exchange],
            Queues = [queue],
            Bindings = [new BindingSpec(exchange.Name, queue.Name, "key")],
        });

        await Broker.Topology.DeleteQueueAsync(queue.Name, Cancel).Within();
        await ApplyAsync(new TopologyPlan { Queues = [queue] });

        await Should.ThrowAsync<UnroutableException>(
            () => PublishAsync(new PublishRequest(Text("m"), "key") { Exchange = exchange.Name }));
    }

    [Fact]
    public async Task A_deleted_exchange_is_gone_and_its_queues_stay()
    {
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Fanout);
        var queue = Queue();
        await ApplyAsync(new TopologyPlan
        {
            Exchanges = [exchange],
            Queues = [queue],
            Bindings = [new BindingSpec(exchange.Name, queue.Name)],
        });

        await Broker.Topology.DeleteExchangeAsync(exchange.Name, Cancel).Within();

        await Should.ThrowAsync<PublishException>(
            () => PublishAsync(new PublishRequest(Text("m"), "") { Exchange = exchange.Name }));
        await ApplyAsync(new TopologyPlan { Exchanges = [exchange] });
        await Should.ThrowAsync<UnroutableException>(
            () => PublishAsync(new PublishRequest(Text("m"), "") { Exchange = exchange.Name }));
        await IsEmptyAsync(queue.Name);
    }

    [Fact]
    public async Task Deleting_what_does_not_exist_does_nothing()
    {
        await Broker.Topology.DeleteQueueAsync(_fixture.QueueName("missing"), Cancel).Within();
        await Broker.Topology.DeleteExchangeAsync(_fixture.ExchangeName("missing"), Cancel).Within();
    }

    [Fact]
    public async Task What_was_declared_outlives_the_broker_that_declared_it()
    {
        NeedsASharedStore();
        var declaring = await OtherAsync();
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Topic);
        var queue = Queue();
        await declaring.Topology.ApplyAsync(
            new TopologyPlan { Exchanges = [exchange], Queues = [queue], Bindings = [new BindingSpec(exchange.Name, queue.Name, "#")] },
            Cancel).Within();
        await _fixture.CloseAsync(declaring);

        await PublishAsync(new PublishRequest(Text("m"), "any.key") { Exchange = exchange.Name });

        (await QueueAsync(queue.Name)).MessagesReady.ShouldBe(1);
    }

    [Fact]
    public async Task An_auto_delete_queue_goes_with_its_last_consumer()
    {
        Assert.SkipWhen(_fixture.QueueType == QueueType.Quorum, "Only classic queues may be auto-delete.");
        var queue = await DeclareAsync(Queue() with { AutoDelete = true });
        var first = await ConsumeAsync(queue);
        var second = await ConsumeAsync(queue);
        await first.DisposeAsync().Within();
        await NothingElseComesAsync(second, queue);

        await second.DisposeAsync().Within();

        await Deadline.Until(() => Broker.Inspector.FindQueueAsync(queue, Cancel), info => info is null);
    }

    [Fact]
    public async Task An_exclusive_queue_serves_its_broker_and_goes_with_it()
    {
        Assert.SkipWhen(_fixture.QueueType == QueueType.Quorum, "Only classic queues may be exclusive.");
        NeedsASharedStore();
        var owner = await OtherAsync();
        var queue = Queue() with { Exclusive = true, Durable = false };
        await owner.Topology.ApplyAsync(new TopologyPlan { Queues = [queue] }, Cancel).Within();
        var consumer = await ConsumeAsync(owner, queue.Name);
        await PublishAsync(Broker, new PublishRequest(Text("reply"), queue.Name));
        (await TakeAsync(consumer)).ShouldBe("reply");
        await Should.ThrowAsync<BrokerException>(() => ConsumeAsync(Broker, queue.Name));

        await _fixture.CloseAsync(owner);

        await Deadline.Until(() => Broker.Inspector.FindQueueAsync(queue.Name, Cancel), info => info is null);
    }
}
