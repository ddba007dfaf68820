using System.Globalization;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Messages;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>A connection that dies in the middle of work: everything arrives, consumers go on, what must exist exists again.</summary>
public sealed class LossTests : RabbitMqTest
{
    private const int Reconnected = 3001;

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Publishes_that_are_cut_off_are_published_again_and_all_arrive(string name)
    {
        const int Rounds = 3;
        const int Each = 500;
        var server = TestServer.Named(name);
        await using var proxy = new TcpProxy(server.Url);
        var broker = await OpenAsync(server, url: proxy.Url);
        var queue = await DeclareAsync(broker, with: spec => spec with { Type = QueueType.Quorum });
        var publishing = new List<Task>();
        for (var round = 0; round < Rounds; round++)
        {
            // Some are on their way in both directions when the wire stands still, and some are added that surely have no answer.
            publishing.AddRange(Start(round, 0));
            await publishing[^Each].Within();
            proxy.Freeze();
            publishing.AddRange(Start(round, Each));
            proxy.Cut();
            proxy.Thaw();
        }

        await Task.WhenAll(publishing).Within(TimeSpan.FromMinutes(1));

        proxy.Accepted.ShouldBeGreaterThan(Rounds);
        var direct = await OpenAsync(server);
        await using var consumer = await direct.ConsumeAsync(new ConsumerSpec(queue, 1000), Cancel).Within();
        await TakeUntilAsync(
            consumer, Enumerable.Range(0, Rounds).SelectMany(round => Enumerable.Range(0, 2 * Each).Select(number => $"{round}.{number}")));

        IEnumerable<Task> Start(int round, int from) => Enumerable.Range(from, Each)
            .Select(number => broker.Publisher.PublishAsync(new PublishRequest(Text($"{round}.{number}"), queue), Cancel).AsTask()).ToList();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_consumer_that_is_cut_off_goes_on_and_its_old_deliveries_are_dead(string name)
    {
        const int Count = 400;
        var server = TestServer.Named(name);
        await using var proxy = new TcpProxy(server.Url);
        var broker = await OpenAsync(server, url: proxy.Url);
        var queue = await DeclareAsync(broker, with: spec => spec with { Type = QueueType.Quorum });
        await Task.WhenAll(Enumerable.Range(0, Count).Select(number => PublishAsync(broker, queue, $"m{number}")));
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 50), Cancel).Within();
        var held = await consumer.NextAsync(10);

        proxy.Cut();

        await Deadline.Until(() => Task.FromResult(held), deliveries => deliveries.All(delivery => !delivery.IsLive));
        foreach (var delivery in held)
        {
            (await delivery.SettleAsync(Settlement.Ack, Cancel).Within()).ShouldBeTrue();
        }

        var left = Enumerable.Range(0, Count).Select(number => $"m{number}").ToHashSet();
        while (left.Count > 0)
        {
            var delivery = await consumer.NextAsync();
            if (left.Remove(TextOf(delivery)) && left.Count % 150 == 0)
            {
                proxy.Cut();
            }

            await delivery.SettleAsync(Settlement.Ack, Cancel).Within();
        }

        await Deadline.Until(() => Task.FromResult(consumer.IsConsuming), consuming => consuming);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Queues_that_die_with_their_connection_are_back_with_their_bindings(string name)
    {
        var server = TestServer.Named(name);
        await using var proxy = new TcpProxy(server.Url);
        using var log = new ListLogger();
        var broker = await OpenAsync(
            server, options => new BrokerOptions { Url = options.Url, ClientName = options.ClientName, LoggerFactory = log }, proxy.Url);
        var direct = await OpenAsync(server);
        var exchange = QueueName("exchange");
        var exclusive = new QueueSpec(ShortLivedName("exclusive")) { Type = QueueType.Classic, Exclusive = true, Durable = false };
        var autoDelete = new QueueSpec(QueueName("auto-delete")) { Type = QueueType.Classic, AutoDelete = true };
        await broker.Topology.ApplyAsync(
            new TopologyPlan
            {
                Exchanges = [new ExchangeSpec(exchange, ExchangeType.Fanout) { AutoDelete = true }],
                Queues = [exclusive, autoDelete],
                Bindings = [new BindingSpec(exchange, exclusive.Name), new BindingSpec(exchange, autoDelete.Name)],
            },
            Cancel).Within();
        await using var first = await broker.ConsumeAsync(new ConsumerSpec(exclusive.Name, 10), Cancel).Within();
        await using var second = await broker.ConsumeAsync(new ConsumerSpec(autoDelete.Name, 10), Cancel).Within();
        await direct.Publisher.PublishAsync(new PublishRequest(Text("before"), "") { Exchange = exchange }, Cancel).Within();
        await TakeUntilAsync(first, ["before"]);
        await TakeUntilAsync(second, ["before"]);

        proxy.Cut();
        await log.LoggedAsync(Reconnected).Within();
        await Deadline.Until(() => Task.FromResult(first.IsConsuming && second.IsConsuming), consuming => consuming);

        await broker.Publisher.PublishAsync(new PublishRequest(Text("after"), "") { Exchange = exchange }, Cancel).Within();
        await TakeUntilAsync(first, ["after"]);
        await TakeUntilAsync(second, ["after"]);
    }

    /// <summary>As an administrator does it; both connections of the broker, found by their names.</summary>
    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Connections_closed_by_the_server_come_back(string name)
    {
        var server = TestServer.Named(name);
        var clientName = "closing-" + Guid.NewGuid().ToString("N")[..8];
        using var log = new ListLogger();
        var broker = await OpenAsync(
            server, options => new BrokerOptions { Url = options.Url, ClientName = clientName, LoggerFactory = log });
        var queue = await DeclareAsync(broker);
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        await PublishAsync(broker, queue, "before");
        var held = await consumer.NextAsync();

        (await CloseConnectionsAsync(server, clientName)).ShouldBe(2);

        await log.LoggedAsync(Reconnected).Within();
        await Deadline.Until(() => Task.FromResult(held.IsLive), live => !live);
        await PublishAsync(broker, queue, "after");
        await TakeUntilAsync(consumer, ["before", "after"]);
        log.Entries.ShouldContain(entry => entry.Id == 3000 && entry.Text.Contains("closed by the test", StringComparison.Ordinal));
        log.Entries.ShouldAllBe(entry => !entry.Text.Contains(server.Password, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task While_the_server_is_away_publishes_end_at_their_limit_and_afterwards_all_goes_on(string name)
    {
        var server = TestServer.Named(name);
        await using var proxy = new TcpProxy(server.Url);
        var broker = await OpenAsync(
            server, options => new BrokerOptions { Url = options.Url, PublishTimeout = TimeSpan.FromSeconds(2) }, proxy.Url);
        var queue = await DeclareAsync(broker);
        await PublishAsync(broker, queue, "before");

        proxy.Refuse();
        var failure = await Should.ThrowAsync<PublishUnconfirmedException>(
            () => broker.Publisher.PublishAsync(new PublishRequest(Text("lost"), queue), Cancel).Within(TimeSpan.FromSeconds(15)));
        failure.Message.ShouldContain("same message id");
        SaysWhatToDo(failure, server);

        proxy.Accept();
        var arrived = false;
        while (!arrived)
        {
            // Each attempt is bounded by the publish time limit; reconnecting is on its own schedule.
            arrived = await TriesAsync(broker, queue);
        }

        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        await TakeUntilAsync(consumer, ["before", "after"]);
    }

    [Fact]
    public async Task A_connection_that_is_silently_dead_is_noticed_by_its_heartbeat()
    {
        await using var proxy = new TcpProxy(TestServer.V43.Url);
        using var log = new ListLogger();
        var broker = await OpenAsync(
            TestServer.V43,
            options => new BrokerOptions { Url = options.Url, LoggerFactory = log, Heartbeat = TimeSpan.FromSeconds(2), PublishTimeout = TimeSpan.FromSeconds(60) },
            proxy.Url);
        var queue = await DeclareAsync(broker);
        await PublishAsync(broker, queue, "before");

        proxy.Freeze();
        var publishing = broker.Publisher.PublishAsync(new PublishRequest(Text("during"), queue), Cancel).AsTask();
        await log.LoggedAsync(3000).Within();
        proxy.Thaw();

        await publishing.Within();
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        await TakeUntilAsync(consumer, ["before", "during"]);
    }

    [Fact]
    public async Task A_broker_on_a_connection_that_is_stuck_can_be_disposed_and_every_publish_ends()
    {
        await using var proxy = new TcpProxy(TestServer.V43.Url);
        var broker = await OpenAsync(TestServer.V43, url: proxy.Url);
        var queue = await DeclareAsync(broker);
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        await PublishAsync(broker, queue, "m");
        var held = await consumer.NextAsync();
        proxy.Freeze();
        var large = new byte[64 * 1024];
        var publishing = Enumerable.Range(0, 500).Select(number => broker.Publisher.PublishAsync(
            new PublishRequest(new BrokerMessage { Body = large, MessageId = $"{number}" }, queue), Cancel).AsTask()).ToList();

        await broker.DisposeAsync().Within(TimeSpan.FromSeconds(60));

        foreach (var task in publishing)
        {
            await Should.ThrowAsync<PublishUnconfirmedException>(() => task.Within());
        }

        held.IsLive.ShouldBeFalse();
        consumer.Deliveries.Completion.IsCompleted.ShouldBeTrue();
        proxy.Thaw();
    }

    private static async Task<bool> TriesAsync(IBroker broker, string queue)
    {
        try
        {
            await PublishAsync(broker, queue, "after");
            return true;
        }
        catch (PublishUnconfirmedException)
        {
            return false;
        }
    }

    private static async Task<int> CloseConnectionsAsync(TestServer server, string clientName)
    {
        // The list is filled a moment after a connection is open.
        var mine = await Deadline.Until(
            async () => (await server.ControlAsync("--quiet", "list_connections", "pid", "client_properties"))
                .Split('\n')
                .Where(line => line.Contains(clientName, StringComparison.Ordinal))
                .Select(line => line.Split('\t')[0])
                .ToList(),
            pids => pids.Count >= 2,
            string.Create(CultureInfo.InvariantCulture, $"two connections named {clientName}"));
        await Task.WhenAll(mine.Select(pid => server.ControlAsync("close_connection", pid, "closed by the test")));
        return mine.Count;
    }
}
