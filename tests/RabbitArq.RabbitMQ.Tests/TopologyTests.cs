using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>Declaring on a server that has things already.</summary>
public sealed class TopologyTests : RabbitMqTest
{
    private const int AdoptedDifferent = 3040;

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_queue_of_another_type_is_adopted_with_one_warning_that_says_what_differs(string name)
    {
        var server = TestServer.Named(name);
        using var log = new ListLogger();
        var broker = await OpenAsync(server, options => new BrokerOptions { Url = options.Url, LoggerFactory = log });
        var queue = await DeclareAsync(broker);
        log.Entries.ShouldNotContain(entry => entry.Level >= LogLevel.Warning);

        await DeclareAsync(broker, with: spec => spec with { Type = QueueType.Quorum });

        var warning = log.Entries.Where(entry => entry.Id == AdoptedDifferent).ShouldHaveSingleItem();
        warning.Level.ShouldBe(LogLevel.Warning);
        warning.Text.ShouldContain(queue);
        warning.Text.ShouldContain("x-queue-type");
        await PublishAsync(broker, queue, "m");
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Everything_a_queue_may_ask_for_is_taken_by_the_server(string name)
    {
        var server = TestServer.Named(name);
        using var log = new ListLogger();
        var broker = await OpenAsync(server, options => new BrokerOptions { Url = options.Url, LoggerFactory = log });
        var all = new QueueSpec(QueueName("quorum"))
        {
            MaxLength = 10,
            RejectPublishWhenFull = true,
            MessageTtl = TimeSpan.FromMinutes(1),
            DeadLetterExchange = "",
            DeadLetterRoutingKey = QueueName("dead"),
            DeliveryLimit = 5,
            MaxPriority = 9,
        };
        var plan = new TopologyPlan
        {
            Queues = [all, all with { Name = QueueName("classic"), Type = QueueType.Classic }, all with { Name = QueueName("none"), DeliveryLimit = 0 }],
        };

        await broker.Topology.ApplyAsync(plan, Cancel).Within();
        await broker.Topology.ApplyAsync(plan, Cancel).Within();

        log.Entries.ShouldNotContain(entry => entry.Level >= LogLevel.Warning);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_quorum_queue_for_one_connection_is_refused_with_a_hint(bool exclusive, bool autoDelete)
    {
        var broker = await OpenAsync(TestServer.V43);

        var failure = await Should.ThrowAsync<BrokerException>(
            () => DeclareAsync(broker, with: spec => spec with { Type = QueueType.Quorum, Exclusive = exclusive, AutoDelete = autoDelete }));

        failure.Message.ShouldContain("QueueType.Classic");
    }

    [Fact]
    public async Task A_binding_to_a_missing_exchange_is_an_error_that_names_it()
    {
        var broker = await OpenAsync(TestServer.V43);
        var queue = await DeclareAsync(broker);

        var failure = await Should.ThrowAsync<BrokerException>(() => broker.Topology.ApplyAsync(
            new TopologyPlan { Bindings = [new BindingSpec("no-such-exchange", queue)] }, Cancel).Within());

        failure.Message.ShouldContain("no-such-exchange");
        SaysWhatToDo(failure, TestServer.V43);
    }
}
