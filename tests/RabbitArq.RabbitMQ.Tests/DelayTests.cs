using System.Text.Json;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.RabbitMQ.Delays;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>The delay ladder, beyond what every broker's delays must do.</summary>
public sealed class DelayTests : RabbitMqTest
{
    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>The ladder routes by words, so a name that ends like another, or has wildcards in it, must not mix them up.</summary>
    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Queues_whose_names_contain_each_other_get_only_their_own(string name)
    {
        var broker = await OpenAsync(TestServer.Named(name));
        var root = QueueName("n");
        string[] queues = [root, "a." + root, "a.b." + root, "*." + root, "#", "a.#." + root, "50%2A." + root, root + ".*"];
        queues = [.. queues.Select(queue => queue == "#" ? "#." + root + ".#" : queue)];
        await broker.Topology.ApplyAsync(
            new TopologyPlan { Queues = [.. queues.Select(queue => new QueueSpec(queue) { Type = QueueType.Classic })] }, Cancel).Within();
        try
        {
            await Task.WhenAll(queues.Select(queue => broker.Publisher.PublishAsync(
                new PublishRequest(Text("for " + queue), queue) { DueAt = Now.AddMilliseconds(250) }, Cancel).AsTask())).Within();

            foreach (var queue in queues)
            {
                await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
                var delivery = await consumer.NextAsync();
                TextOf(delivery).ShouldBe("for " + queue);
                delivery.Exchange.ShouldBe("");
                delivery.RoutingKey.ShouldBe(queue);
                await delivery.SettleAsync(Settlement.Ack, Cancel).Within();
                consumer.Deliveries.TryRead(out _).ShouldBeFalse();
            }

            foreach (var queue in queues)
            {
                (await broker.Inspector.FindQueueAsync(queue, Cancel).Within())!.MessagesReady.ShouldBe(0, queue);
            }
        }
        finally
        {
            await Task.WhenAll(queues.Select(queue => broker.Topology.DeleteQueueAsync(queue, CancellationToken.None))).Within();
        }
    }

    /// <summary>Each trip dead-letters; were the traces published again, RabbitMQ would take the third for a cycle and drop it.</summary>
    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_message_survives_sixty_trips(string name)
    {
        var broker = await OpenAsync(TestServer.Named(name));
        var queue = await DeclareAsync(broker, with: spec => spec with { Type = QueueType.Quorum });
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        var message = Text("traveller") with { Headers = new Dictionary<string, object?> { ["kept"] = "yes" } };
        for (var trip = 0; trip < 60; trip++)
        {
            var due = Now.AddMilliseconds(trip % 20 == 0 ? 350 : 10);
            await broker.Publisher.PublishAsync(new PublishRequest(message, queue) { DueAt = due }, Cancel).Within();
            var delivery = await consumer.NextAsync();
            Now.ShouldBeGreaterThanOrEqualTo(due);
            delivery.Message.Headers.Keys.ShouldBe(["kept"]);
            message = delivery.Message;
            await delivery.SettleAsync(Settlement.Ack, Cancel).Within();
        }
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_message_whose_queue_is_gone_is_parked_and_the_others_go_on(string name)
    {
        var server = TestServer.Named(name);
        var broker = await OpenAsync(server);
        var gone = await DeclareAsync(broker, "gone");
        var queue = await DeclareAsync(broker);
        var id = "parked " + gone;
        var due = Now.AddSeconds(1);
        await broker.Publisher.PublishAsync(new PublishRequest(Text(id), gone) { DueAt = due }, Cancel).Within();
        await broker.Publisher.PublishAsync(new PublishRequest(Text("after"), queue) { DueAt = due.AddMilliseconds(300) }, Cancel).Within();

        await broker.Topology.DeleteQueueAsync(gone, Cancel).Within();

        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        await TakeUntilAsync(consumer, ["after"]);
        await using var parked = await broker.ConsumeAsync(new ConsumerSpec(LadderNames.Parked, 2000), Cancel).Within();
        Delivery delivery;
        do
        {
            // Those of other tests are handed back when this consumer ends.
            delivery = await parked.NextAsync();
        }
        while (delivery.Message.MessageId != id);

        delivery.Message.Headers.Keys.ShouldNotContain("x-death");
        await delivery.SettleAsync(Settlement.Ack, Cancel).Within();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_queue_deleted_and_made_again_gets_delayed_messages(string name)
    {
        var broker = await OpenAsync(TestServer.Named(name));
        var queue = await DeclareAsync(broker);
        await broker.Publisher.PublishAsync(new PublishRequest(Text("first"), queue) { DueAt = Now.AddMilliseconds(50) }, Cancel).Within();
        await broker.Topology.DeleteQueueAsync(queue, Cancel).Within();
        await DeclareAsync(broker);

        await broker.Publisher.PublishAsync(new PublishRequest(Text("second"), queue) { DueAt = Now.AddMilliseconds(50) }, Cancel).Within();

        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();
        await TakeUntilAsync(consumer, ["second"]);
    }

    /// <summary>Only what is needed is declared, and the longest wait that the ladder promises is taken by the server.</summary>
    [Theory]
    [MemberData(nameof(Servers))]
    public async Task The_ladder_grows_with_the_longest_wait_up_to_years(string name)
    {
        var server = TestServer.Named(name);
        var vhost = "ladder-" + Guid.NewGuid().ToString("N")[..8];
        var uri = new Uri(server.Url);
        await server.ControlAsync("add_vhost", vhost);
        try
        {
            await server.ControlAsync("set_permissions", "-p", vhost, uri.UserInfo.Split(':')[0], ".*", ".*", ".*");
            var broker = await TestServer.OpenAsync(new BrokerOptions { Url = $"amqp://{uri.UserInfo}@{uri.Authority}/{vhost}" }).Within();
            await using var closing = broker;
            await broker.Topology.ApplyAsync(new TopologyPlan { Queues = [new QueueSpec("q") { Type = QueueType.Classic }] }, Cancel).Within();

            await broker.Publisher.PublishAsync(new PublishRequest(Text("short"), "q") { DueAt = Now.AddMilliseconds(350) }, Cancel).Within();
            (await LevelsAsync(server, vhost)).ShouldBe(["rabbitarq.v1.delay.00", "rabbitarq.v1.delay.01", "rabbitarq.v1.delay.02", "rabbitarq.v1.delay.parked"]);
            await using (var consumer = await broker.ConsumeAsync(new ConsumerSpec("q", 10), Cancel).Within())
            {
                await TakeUntilAsync(consumer, ["short"]);
            }

            await broker.Publisher.PublishAsync(new PublishRequest(Text("long"), "q") { DueAt = Now.AddDays(6.5 * 365) }, Cancel).Within();
            (await broker.Inspector.FindQueueAsync("rabbitarq.v1.delay.30", Cancel).Within())!.MessagesReady.ShouldBe(1);

            (await Should.ThrowAsync<BrokerException>(() => broker.Publisher.PublishAsync(
                new PublishRequest(Text("too long"), "q") { DueAt = Now.AddYears(10) }, Cancel).Within())).Message.ShouldContain("days");
        }
        finally
        {
            await server.ControlAsync("delete_vhost", vhost);
        }
    }

    [Fact]
    public async Task A_delayed_message_for_a_missing_queue_is_unroutable_at_once()
    {
        var broker = await OpenAsync(TestServer.V43);

        var failure = await Should.ThrowAsync<UnroutableException>(() => broker.Publisher.PublishAsync(
            new PublishRequest(Text("m"), QueueName("missing")) { DueAt = Now.AddMinutes(1) }, Cancel).Within());

        failure.Message.ShouldContain("missing");
    }

    [Fact]
    public async Task A_queue_name_too_long_for_the_ladder_is_an_error_that_says_how_long_it_may_be()
    {
        var broker = await OpenAsync(TestServer.V43);

        var failure = await Should.ThrowAsync<BrokerException>(() => broker.Publisher.PublishAsync(
            new PublishRequest(Text("m"), new string('q', 200)) { DueAt = Now.AddMinutes(1) }, Cancel).Within());

        failure.Message.ShouldContain("193");
    }

    [Fact]
    public void A_wait_is_rounded_up_so_that_even_hurried_hops_are_not_early()
    {
        var random = new Random(20240229);
        for (var round = 0; round < 100_000; round++)
        {
            var wait = TimeSpan.FromTicks(1 + (long)(Math.Pow(random.NextDouble(), 8) * (LadderNames.Longest.Ticks - 1)));
            var units = LadderNames.UnitsOf(wait);
            var hops = System.Numerics.BitOperations.PopCount(units);

            ((units * LadderNames.Unit) - TimeSpan.FromMilliseconds(hops) >= wait || units == uint.MaxValue >> 1).ShouldBeTrue($"{wait}");
            (units * LadderNames.Unit).ShouldBeLessThan(wait + (2 * LadderNames.Unit), $"{wait}");
        }
    }

    [Theory]
    [InlineData(1u, 0)]
    [InlineData(2u, 1)]
    [InlineData(5u, 2)]
    [InlineData(int.MaxValue, 30)]
    public void A_wait_starts_at_its_highest_level_and_its_key_spells_it(uint units, int level)
    {
        LadderNames.HighestLevel(units).ShouldBe(level);
        var words = LadderNames.RoutingKey(units, "a.b").Split('.');
        words[^2..].ShouldBe(["a", "b"]);
        Convert.ToUInt32(string.Concat(words[..^2]), 2).ShouldBe(units);
        words.Length.ShouldBe(LadderNames.Levels + 2);
        LadderNames.LevelPattern(level, '1').Split('.')[LadderNames.Levels - 1 - level].ShouldBe("1");
    }

    [Fact]
    public void The_ladder_reaches_beyond_five_years()
    {
        LadderNames.Longest.ShouldBeGreaterThan(TimeSpan.FromDays(5 * 366));
    }

    private static async Task<IReadOnlyList<string>> LevelsAsync(TestServer server, string vhost)
    {
        using var list = JsonDocument.Parse(await server.ControlAsync("--formatter", "json", "--quiet", "list_queues", "-p", vhost, "name"));
        return [.. list.RootElement.EnumerateArray().Select(queue => queue.GetProperty("name").GetString()!)
            .Where(name => name.StartsWith("rabbitarq", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }
}
