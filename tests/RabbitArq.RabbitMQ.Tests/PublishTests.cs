using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Messages;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>Honest publish: each message gets its own answer, whatever happens to its neighbours.</summary>
public sealed class PublishTests : RabbitMqTest
{
    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Of_many_publishes_at_once_exactly_the_unroutable_ones_fail(string name)
    {
        var server = TestServer.Named(name);
        var broker = await OpenAsync(server);
        var queue = await DeclareAsync(broker);
        var missing = QueueName("missing");

        // The same message id in both queues: an answer must not be taken for the neighbour's.
        var routable = Enumerable.Range(0, 500).Select(number => (Queue: queue, Id: $"m{number}"));
        var unroutable = Enumerable.Range(0, 500).Select(number => (Queue: missing, Id: $"m{number}"));
        var outcomes = await Task.WhenAll(routable.Zip(unroutable).SelectMany(pair => new[] { pair.First, pair.Second })
            .Select(async item => (item.Queue, Failure: await FailureAsync(broker, new PublishRequest(Text("x", item.Id), item.Queue)))));

        outcomes.Where(outcome => outcome.Queue == queue).ShouldAllBe(outcome => outcome.Failure == null);
        outcomes.Where(outcome => outcome.Queue == missing).ShouldAllBe(outcome => outcome.Failure is UnroutableException);
        var failure = outcomes.First(outcome => outcome.Failure is not null).Failure!;
        failure.Message.ShouldContain("Declare the queue");
        SaysWhatToDo(failure, server);
        (await broker.Inspector.FindQueueAsync(queue, Cancel).Within())!.MessagesReady.ShouldBe(500);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Messages_without_an_id_are_told_apart_by_their_bodies(string name)
    {
        var broker = await OpenAsync(TestServer.Named(name));
        var exchange = QueueName("headers");
        var queue = await DeclareAsync(broker);
        await broker.Topology.ApplyAsync(
            new TopologyPlan
            {
                Exchanges = [new ExchangeSpec(exchange, ExchangeType.Headers) { AutoDelete = true }],
                Bindings = [new BindingSpec(exchange, queue) { Arguments = new Dictionary<string, object?> { ["colour"] = "red" } }],
            },
            Cancel).Within();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 200).Select(async number => (number, Failure: await FailureAsync(
            broker,
            new PublishRequest(
                Text($"{number}") with { MessageId = null, Headers = new Dictionary<string, object?> { ["colour"] = number % 3 == 0 ? "red" : "blue" } }, "")
            {
                Exchange = exchange,
            }))));

        outcomes.ShouldAllBe(outcome => outcome.number % 3 == 0 ? outcome.Failure == null : outcome.Failure is UnroutableException);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_full_queue_refuses_with_a_text_that_says_so(string name)
    {
        var server = TestServer.Named(name);
        var broker = await OpenAsync(server);
        var queue = await DeclareAsync(broker, with: spec => spec with { MaxLength = 1, RejectPublishWhenFull = true });
        await PublishAsync(broker, queue, "fits");

        var failure = await Should.ThrowAsync<PublishRefusedException>(() => PublishAsync(broker, queue, "does not"));

        failure.Message.ShouldContain(queue);
        failure.Message.ShouldContain("x-max-length");
        SaysWhatToDo(failure, server);
    }

    /// <summary>The broker closes the channel over each of them; the others, on that same channel, must all arrive.</summary>
    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Publishes_to_a_missing_exchange_fail_alone_among_many(string name)
    {
        var broker = await OpenAsync(TestServer.Named(name));
        var queue = await DeclareAsync(broker);
        var good = Enumerable.Range(0, 200).Select(number => FailureAsync(broker, new PublishRequest(Text($"good{number}"), queue)));
        var bad = Enumerable.Range(0, 3).Select(
            number => FailureAsync(broker, new PublishRequest(Text($"bad{number}"), "key") { Exchange = QueueName("no-exchange") }));

        var outcomes = await Task.WhenAll(good.Take(100).Concat(bad).Concat(good.Skip(100)).ToList()).Within();

        outcomes.Count(failure => failure is null).ShouldBe(200);
        outcomes.Count(failure => failure is UnroutableException).ShouldBe(3);
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 500), Cancel).Within();
        await TakeUntilAsync(consumer, Enumerable.Range(0, 200).Select(number => $"good{number}"));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_body_above_the_limit_fails_alone_and_the_limit_is_known_afterwards(string name)
    {
        var server = TestServer.Named(name);
        var broker = await OpenAsync(server);
        var queue = await DeclareAsync(broker);
        var limit = name == "310" ? 128L << 20 : 16L << 20;
        broker.Capabilities.MaxBodyBytes.ShouldBe(limit);
        var large = new BrokerMessage { Body = new byte[limit + 1], MessageId = "large" };

        var before = Enumerable.Range(0, 100).Select(number => FailureAsync(broker, new PublishRequest(Text($"a{number}"), queue))).ToList();
        var refused = FailureAsync(broker, new PublishRequest(large, queue));
        var after = Enumerable.Range(0, 100).Select(number => FailureAsync(broker, new PublishRequest(Text($"b{number}"), queue))).ToList();

        var failure = (await refused.Within(TimeSpan.FromMinutes(1))).ShouldBeOfType<MessageTooLargeException>();
        failure.Message.ShouldContain($"{limit}");
        failure.Message.ShouldContain("max_message_size");
        SaysWhatToDo(failure, server);
        (await Task.WhenAll(before.Concat(after)).Within()).ShouldAllBe(outcome => outcome == null);
        (await broker.Inspector.FindQueueAsync(queue, Cancel).Within())!.MessagesReady.ShouldBe(200);

        // Now it is known, and nothing is sent any more.
        var second = FailureAsync(broker, new PublishRequest(large, queue));
        second.IsCompleted.ShouldBeTrue();
        (await second).ShouldBeOfType<MessageTooLargeException>();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_user_who_may_not_write_gets_an_access_error_and_an_existing_queue_is_adopted(string name)
    {
        var server = TestServer.Named(name);
        var owner = await OpenAsync(server);
        var queue = await DeclareAsync(owner);
        var user = "reader-" + Guid.NewGuid().ToString("N")[..8];
        await server.ControlAsync("add_user", user, "r3ader-Pa55");
        try
        {
            await server.ControlAsync("set_permissions", "-p", "/", user, "^$", "^$", ".*");
            var uri = new Uri(server.Url);
            using var log = new ListLogger();
            var reader = await OpenAsync(
                server,
                options => new BrokerOptions { Url = $"amqp://{user}:r3ader-Pa55@{uri.Authority}/", LoggerFactory = log });

            await reader.Topology.ApplyAsync(new TopologyPlan { Queues = [new QueueSpec(queue) { Type = QueueType.Classic }] }, Cancel).Within();
            var failure = (await FailureAsync(reader, new PublishRequest(Text("m"), queue))).ShouldBeOfType<BrokerAccessException>();

            log.Entries.ShouldContain(entry => entry.Id == 3041);
            failure.Message.ShouldContain(user);
            failure.Message.ShouldContain("set_permissions");
            failure.ToString().ShouldNotContain("r3ader-Pa55");
            await Should.ThrowAsync<BrokerAccessException>(
                () => reader.Topology.ApplyAsync(new TopologyPlan { Queues = [new QueueSpec(queue + ".new")] }, Cancel).Within());
        }
        finally
        {
            await server.ControlAsync("delete_user", user);
        }
    }

    [Fact]
    public async Task What_cannot_be_encoded_is_refused_and_the_confirms_of_the_others_still_fit()
    {
        var broker = await OpenAsync(TestServer.V43);
        var queue = await DeclareAsync(broker);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => FailureAsync(
            broker, new PublishRequest(Text($"{number}"), number % 10 == 0 ? new string('k', 300) : queue)))).Within();

        outcomes.Count(failure => failure is PublishRefusedException).ShouldBe(5);
        outcomes.Count(failure => failure is null).ShouldBe(45);
        (await broker.Inspector.FindQueueAsync(queue, Cancel).Within())!.MessagesReady.ShouldBe(45);
    }

    /// <summary>RabbitMQ drops a message whose x-death looks like a cycle, and sends copies where CC and BCC say.</summary>
    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Headers_of_an_earlier_trip_are_not_published_again(string name)
    {
        var broker = await OpenAsync(TestServer.Named(name));
        var other = await DeclareAsync(broker, "other");
        var queue = await DeclareAsync(broker);
        var death = new Dictionary<string, object?> { ["queue"] = queue, ["reason"] = "expired", ["count"] = 1L };
        var message = Text("m") with
        {
            Headers = new Dictionary<string, object?>
            {
                ["kept"] = "yes",
                ["x-death"] = new List<object?> { death },
                ["x-first-death-queue"] = queue,
                ["x-last-death-reason"] = "expired",
                ["x-delivery-count"] = 7L,
                ["x-acquired-count"] = 7L,
                ["CC"] = new List<object?> { other },
                ["BCC"] = new List<object?> { other },
            },
        };

        await broker.Publisher.PublishAsync(new PublishRequest(message, queue), Cancel).Within();

        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        (await consumer.NextAsync()).Message.Headers.Keys.ShouldBe(["kept"]);
        (await broker.Inspector.FindQueueAsync(other, Cancel).Within())!.MessagesReady.ShouldBe(0);
    }

    [Fact]
    public async Task A_publish_that_is_cancelled_while_the_broker_is_silent_ends_at_once()
    {
        await using var proxy = new TcpProxy(TestServer.V43.Url);
        var broker = await OpenAsync(TestServer.V43, url: proxy.Url);
        var queue = await DeclareAsync(broker);
        await PublishAsync(broker, queue, "first");
        proxy.Freeze();
        using var cancel = new CancellationTokenSource();

        var publishing = broker.Publisher.PublishAsync(new PublishRequest(Text("m"), queue), cancel.Token).AsTask();
        publishing.IsCompleted.ShouldBeFalse();
        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => publishing.Within(TimeSpan.FromSeconds(5)));
        proxy.Thaw();
        await PublishAsync(broker, queue, "next");
    }

    [Fact]
    public async Task A_silent_broker_ends_a_publish_at_its_time_limit_as_unconfirmed()
    {
        await using var proxy = new TcpProxy(TestServer.V43.Url);
        var broker = await OpenAsync(
            TestServer.V43, options => new BrokerOptions { Url = options.Url, PublishTimeout = TimeSpan.FromSeconds(1) }, proxy.Url);
        var queue = await DeclareAsync(broker);
        proxy.Freeze();

        var failure = (await FailureAsync(broker, new PublishRequest(Text("m"), queue)).Within(TimeSpan.FromSeconds(10)))
            .ShouldBeOfType<PublishUnconfirmedException>();

        failure.MayHaveArrived.ShouldBeTrue();
        failure.Message.ShouldContain("same message id");
        SaysWhatToDo(failure, TestServer.V43);
        proxy.Thaw();
        (await FailureAsync(broker, new PublishRequest(Text("next"), queue))).ShouldBeNull();
    }

    private static async Task<Exception?> FailureAsync(IBroker broker, PublishRequest request)
    {
        try
        {
            await broker.Publisher.PublishAsync(request, Cancel).AsTask().Within(TimeSpan.FromMinutes(1));
            return null;
        }
        catch (BrokerException failure)
        {
            return failure;
        }
    }
}
