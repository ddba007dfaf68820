using System.Text;
using RabbitArq.Brokers;
using RabbitArq.Messages;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

/// <summary>
/// What every broker does, stated once. An implementation's test project has one line per kind:
/// <c>public sealed class OnAFile() : BrokerConformance(new FileFixture(QueueType.Quorum));</c>
/// </summary>
/// <remarks>
/// "Nothing arrives" is shown by a later marker message or by inspection, not by waiting. Where the port leaves a
/// question open, RabbitMQ's answer is taken and the test says so.
/// </remarks>
public abstract partial class BrokerConformance : IAsyncLifetime
{
    private readonly BrokerFixture _fixture;
    private IBroker? _broker;

    /// <summary>Creates the suite for one implementation and queue type.</summary>
    /// <param name="fixture">What opens it.</param>
    protected BrokerConformance(BrokerFixture fixture) => _fixture = fixture;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The broker under test.</summary>
    private IBroker Broker => _broker ?? throw new InvalidOperationException("Used before the test began.");

    private BrokerCapabilities Capabilities => Broker.Capabilities;

    async ValueTask IAsyncLifetime.InitializeAsync() => _broker = await _fixture.OpenAsync();

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _fixture.DisposeAsync();
    }

    private static BrokerMessage Text(string text, string? id = null) =>
        new() { Body = Encoding.UTF8.GetBytes(text), MessageId = id ?? text };

    private static string TextOf(Delivery delivery) => Encoding.UTF8.GetString(delivery.Message.Body.Span);

    private static IEnumerable<string> TextsOf(IEnumerable<Delivery> deliveries) => deliveries.Select(TextOf);

    private static async Task<Delivery> AckAsync(Delivery delivery)
    {
        (await delivery.SettleAsync(Settlement.Ack, Cancel).Within()).ShouldBeTrue();
        return delivery;
    }

    private static async Task<string> TakeAsync(IBrokerConsumer consumer) => TextOf(await AckAsync(await consumer.NextAsync()));

    private static async Task<IReadOnlyList<string>> TakeAsync(IBrokerConsumer consumer, int count)
    {
        var texts = new List<string>(count);
        while (texts.Count < count)
        {
            texts.Add(await TakeAsync(consumer));
        }

        return texts;
    }

    /// <summary>A second broker on the same store; the same one where brokers share nothing.</summary>
    private Task<IBroker> OtherAsync() => _fixture.OpenOtherAsync(Broker);

    private void NeedsASharedStore() => Assert.SkipUnless(
        Capabilities.SharedBetweenProcesses, "Declared: this broker's messages end with it (SharedBetweenProcesses is false).");

    private QueueSpec Queue(string what = "queue") => new(_fixture.QueueName(what)) { Type = _fixture.QueueType };

    private async Task<string> DeclareAsync(QueueSpec spec)
    {
        await ApplyAsync(new TopologyPlan { Queues = [spec] });
        return spec.Name;
    }

    private Task<string> DeclareAsync(string what = "queue") => DeclareAsync(Queue(what));

    /// <summary>A queue that dead-letters to a second one through the default exchange, as the product's own queues do.</summary>
    private async Task<(string Queue, string DeadLetters)> DeclareWithDeadLettersAsync(Func<QueueSpec, QueueSpec>? with = null)
    {
        var dead = Queue("dead");
        var queue = Queue() with { DeadLetterExchange = "", DeadLetterRoutingKey = dead.Name };
        await ApplyAsync(new TopologyPlan { Queues = [dead, with?.Invoke(queue) ?? queue] });
        return (queue.Name, dead.Name);
    }

    private Task ApplyAsync(TopologyPlan plan) => Broker.Topology.ApplyAsync(plan, Cancel).Within();

    private Task PublishAsync(string queue, BrokerMessage message) => PublishAsync(Broker, new PublishRequest(message, queue));

    private Task PublishAsync(string queue, params IEnumerable<string> texts) =>
        Task.WhenAll(texts.Select(text => PublishAsync(queue, Text(text))));

    private Task PublishAsync(PublishRequest request) => PublishAsync(Broker, request);

    private static Task PublishAsync(IBroker broker, PublishRequest request) =>
        broker.Publisher.PublishAsync(request, Cancel).Within(what: "the broker's confirm");

    /// <summary>Publishes one after the other, so that their order in the queue is known.</summary>
    private async Task PublishInOrderAsync(string queue, params IEnumerable<string> texts)
    {
        foreach (var text in texts)
        {
            await PublishAsync(queue, Text(text));
        }
    }

    private Task<IBrokerConsumer> ConsumeAsync(string queue, int prefetch = 10) => ConsumeAsync(Broker, queue, prefetch);

    private static Task<IBrokerConsumer> ConsumeAsync(IBroker broker, string queue, int prefetch = 10) =>
        broker.ConsumeAsync(new ConsumerSpec(queue, prefetch), Cancel).Within();

    private async Task<QueueInfo> QueueAsync(string queue) =>
        (await Broker.Inspector.FindQueueAsync(queue, Cancel).Within()).ShouldNotBeNull($"The queue {queue} is gone.");

    /// <summary>Waits until as many messages wait; counts settle shortly after the event that changes them.</summary>
    private Task<QueueInfo> UntilReadyAsync(string queue, long ready) =>
        Deadline.Until(() => QueueAsync(queue), info => info.MessagesReady == ready, $"{ready} ready messages in {queue}");

    private Task UntilConsumersAsync(string queue, long consumers) =>
        Deadline.Until(() => QueueAsync(queue), info => info.Consumers == consumers, $"{consumers} consumers on {queue}");

    /// <summary>Shows that nothing else is in the queue or on its way to a consumer: a marker published now comes next.</summary>
    private async Task NothingElseComesAsync(IBrokerConsumer consumer, string queue)
    {
        await PublishAsync(queue, "marker");
        (await TakeAsync(consumer)).ShouldBe("marker");
    }

    /// <summary>Shows that a queue that nobody consumes is empty.</summary>
    private async Task IsEmptyAsync(string queue)
    {
        await using var consumer = await ConsumeAsync(queue);
        await NothingElseComesAsync(consumer, queue);
    }
}
