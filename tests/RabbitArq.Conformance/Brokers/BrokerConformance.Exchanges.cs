using RabbitArq.Brokers;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

/// <summary>Exchanges route as AMQP 0-9-1 says.</summary>
public abstract partial class BrokerConformance
{
    /// <summary>A topic binding key, a routing key, and whether they match.</summary>
    public static TheoryData<string, string, bool> TopicKeys { get; } = new()
    {
        { "a.b", "a.b", true }, { "a.b", "a.c", false }, { "a.b", "a.b.c", false }, { "a.b", "A.B", false },
        { "*", "a", true }, { "*", "a.b", false }, { "*.b", "a.b", true }, { "*.b", "a.a.b", false }, { "a.*.c", "a.b.c", true },
        { "a.*.c", "a.c", false }, { "a.*", "a.", true }, { "a.*", "a", false }, { "*.*", "a.b", true }, { "a.*.c", "a..c", true },
        { "#", "", true }, { "#", "a", true }, { "#", "a.b.c", true }, { "a.#", "a", true }, { "a.#", "a.b", true },
        { "a.#", "a.b.c", true }, { "a.#", "b.a", false }, { "#.c", "c", true }, { "#.c", "a.b.c", true }, { "#.c", "a.b.d", false },
        { "a.#.c", "a.c", true }, { "a.#.c", "a.b.b.c", true }, { "a.#.c", "a.b", false }, { "*.#", "a", true }, { "*.#", "a.b.c", true },
        { "#.*", "a", true }, { "*.#.c", "c", false }, { "*.#.c", "a.c", true }, { "a*", "ab", false }, { "a#", "ab", false },
        { "a*.b", "a*.b", true }, { "键.*", "键.值", true }, { "键.#", "别.值", false }, { "a.b.", "a.b", false },
    };

    [Fact]
    public async Task A_direct_exchange_routes_by_the_equal_key()
    {
        var (exchange, queues) = await BindAsync(ExchangeType.Direct, ["red", "green"], ["green"], []);

        await PublishKeysAsync(exchange, "red", "green");

        await ContainAsync(queues[0], "green", "red");
        await ContainAsync(queues[1], "green");
        await ContainAsync(queues[2]);
        await IsUnroutableAsync(exchange, "blue");
        await IsUnroutableAsync(exchange, "RED");
    }

    [Fact]
    public async Task A_fanout_exchange_routes_to_every_queue_whatever_the_key()
    {
        var (exchange, queues) = await BindAsync(ExchangeType.Fanout, ["ignored"], [""], []);

        await PublishKeysAsync(exchange, "a", "b");

        await ContainAsync(queues[0], "a", "b");
        await ContainAsync(queues[1], "a", "b");
        await ContainAsync(queues[2]);
    }

    [Fact]
    public async Task A_topic_exchange_routes_by_words()
    {
        var patterns = TopicKeys.Select(row => row.Data.Item1).Distinct().ToArray();
        var keys = TopicKeys.Select(row => row.Data.Item2).Distinct().ToArray();
        var (exchange, queues) = await BindAsync(ExchangeType.Topic, [.. patterns.Select(pattern => new[] { pattern })]);

        await PublishKeysAsync(exchange, keys);

        foreach (var (pattern, queue) in patterns.Zip(queues))
        {
            var arrived = await TakeAllAsync(queue);
            foreach (var (binding, key, matches) in TopicKeys.Select(row => row.Data).Where(row => row.Item1 == pattern))
            {
                arrived.Contains(key).ShouldBe(matches, $"binding key '{binding}', routing key '{key}'");
            }
        }
    }

    [Fact]
    public async Task A_topic_exchange_without_a_matching_binding_takes_nothing()
    {
        var (exchange, queues) = await BindAsync(ExchangeType.Topic, ["a.*"]);

        await IsUnroutableAsync(exchange, "a");
        await IsUnroutableAsync(exchange, "b.a");

        await ContainAsync(queues[0]);
    }

    [Fact]
    public async Task A_message_that_matches_several_bindings_of_a_queue_arrives_once()
    {
        var (exchange, queues) = await BindAsync(ExchangeType.Topic, ["a.*", "*.b", "#", "a.b"], ["a.#"]);

        await PublishKeysAsync(exchange, "a.b");

        await ContainAsync(queues[0], "a.b");
        await ContainAsync(queues[1], "a.b");
    }

    [Fact]
    public async Task A_delivery_through_an_exchange_says_which_one_and_with_which_key()
    {
        var (exchange, queues) = await BindAsync(ExchangeType.Topic, ["a.#"]);
        await PublishKeysAsync(exchange, "a.b.c");

        await using var consumer = await ConsumeAsync(queues[0]);
        var delivery = await consumer.NextAsync();

        delivery.QueueName.ShouldBe(queues[0]);
        delivery.Exchange.ShouldBe(exchange);
        delivery.RoutingKey.ShouldBe("a.b.c");
    }

    [Fact]
    public async Task A_headers_exchange_routes_by_all_or_any_of_the_bindings_arguments()
    {
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Headers);
        var queues = new[] { "all", "any", "default", "numbers" }.Select(Queue).ToList();
        var colourAndSize = new Dictionary<string, object?> { ["colour"] = "红", ["size"] = "big" };
        await ApplyAsync(new TopologyPlan
        {
            Exchanges = [exchange],
            Queues = queues,
            Bindings =
            [
                new(exchange.Name, queues[0].Name) { Arguments = new Dictionary<string, object?>(colourAndSize) { ["x-match"] = "all" } },
                new(exchange.Name, queues[1].Name) { Arguments = new Dictionary<string, object?>(colourAndSize) { ["x-match"] = "any" } },
                new(exchange.Name, queues[2].Name) { Arguments = colourAndSize },
                new(exchange.Name, queues[3].Name)
                {
                    Arguments = new Dictionary<string, object?> { ["x-match"] = "all", ["count"] = 7L, ["flag"] = true },
                },
            ],
        });

        await SendAsync("both", ("colour", "红"), ("size", "big"), ("other", 1L));
        await SendAsync("one", ("colour", "红"), ("size", "small"));
        await SendAsync("numbers", ("count", 7L), ("flag", true));
        await Should.ThrowAsync<UnroutableException>(() => SendAsync("none", ("colour", "绿"), ("count", 7L), ("flag", false)));
        await Should.ThrowAsync<UnroutableException>(() => SendAsync("no headers"));

        await ContainAsync(queues[0].Name, "both");
        await ContainAsync(queues[1].Name, "both", "one");
        await ContainAsync(queues[2].Name, "both");
        await ContainAsync(queues[3].Name, "numbers");

        Task SendAsync(string text, params (string Name, object? Value)[] headers) => PublishAsync(
            new PublishRequest(Text(text) with { Headers = headers.ToDictionary(pair => pair.Name, pair => pair.Value) }, "")
            {
                Exchange = exchange.Name,
            });
    }

    [Fact]
    public async Task What_no_binding_takes_goes_to_the_alternate_exchange()
    {
        var alternate = new ExchangeSpec(_fixture.ExchangeName("alternate"), ExchangeType.Fanout);
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Direct) { AlternateExchange = alternate.Name };
        var queue = Queue();
        var rest = Queue("rest");
        await ApplyAsync(new TopologyPlan
        {
            Exchanges = [alternate, exchange],
            Queues = [queue, rest],
            Bindings = [new(exchange.Name, queue.Name, "known"), new(alternate.Name, rest.Name)],
        });

        await PublishKeysAsync(exchange.Name, "known", "unknown");

        await ContainAsync(queue.Name, "known");
        await ContainAsync(rest.Name, "unknown");
    }

    [Fact]
    public async Task A_plan_may_bind_a_queue_that_another_plan_declared()
    {
        var queue = await DeclareAsync();
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), ExchangeType.Direct);

        await ApplyAsync(new TopologyPlan { Exchanges = [exchange], Bindings = [new BindingSpec(exchange.Name, queue, "key")] });
        await PublishKeysAsync(exchange.Name, "key");

        await ContainAsync(queue, "key");
    }

    /// <summary>One exchange, and one queue for each list of binding keys.</summary>
    private async Task<(string Exchange, IReadOnlyList<string> Queues)> BindAsync(ExchangeType type, params string[][] keys)
    {
        var exchange = new ExchangeSpec(_fixture.ExchangeName(), type);
        var queues = keys.Select((_, number) => Queue($"q{number}")).ToList();
        await ApplyAsync(new TopologyPlan
        {
            Exchanges = [exchange],
            Queues = queues,
            Bindings = [.. queues.Zip(keys).SelectMany(pair => pair.Second.Select(key => new BindingSpec(exchange.Name, pair.First.Name, key)))],
        });
        return (exchange.Name, [.. queues.Select(queue => queue.Name)]);
    }

    /// <summary>Publishes one message for each key; its text is the key.</summary>
    private Task PublishKeysAsync(string exchange, params string[] keys) =>
        Task.WhenAll(keys.Select(key => PublishAsync(new PublishRequest(Text(key), key) { Exchange = exchange })));

    private Task IsUnroutableAsync(string exchange, string key) =>
        Should.ThrowAsync<UnroutableException>(() => PublishAsync(new PublishRequest(Text(key), key) { Exchange = exchange }));

    private async Task ContainAsync(string queue, params string[] texts) =>
        (await TakeAllAsync(queue)).ShouldBe(texts, ignoreOrder: true, queue);

    private async Task<IReadOnlyList<string>> TakeAllAsync(string queue)
    {
        await using var consumer = await ConsumeAsync(queue, prefetch: 100);
        await PublishAsync(Broker, new PublishRequest(Text("the last"), queue));
        var texts = new List<string>();
        while (await TakeAsync(consumer) is var text && text != "the last")
        {
            texts.Add(text);
        }

        return texts;
    }
}
