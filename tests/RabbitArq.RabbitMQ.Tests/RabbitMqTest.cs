using System.Text;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Messages;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>What the tests of this project share: brokers, unique queues, and leaving the server as it was.</summary>
public abstract class RabbitMqTest : IAsyncLifetime
{
    private readonly List<IBroker> _brokers = [];
    private readonly HashSet<string> _queues = [];
    private readonly string _prefix = "rabbit." + Guid.NewGuid().ToString("N")[..12] + ".";
    private TestServer? _server;

    /// <summary>Both servers, for theories.</summary>
    public static TheoryData<string> Servers { get; } = new("310", "43");

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var broker in _brokers)
        {
            await broker.DisposeAsync().Within();
        }

        if (_server is not null && _queues.Count > 0)
        {
            await using var janitor = await TestServer.OpenAsync(new BrokerOptions { Url = _server.Url });
            foreach (var queue in _queues)
            {
                await janitor.Topology.DeleteQueueAsync(queue, CancellationToken.None).Within();
            }
        }
    }

    protected static BrokerMessage Text(string text, string? id = null) => new() { Body = Encoding.UTF8.GetBytes(text), MessageId = id ?? text };

    protected static string TextOf(Delivery delivery) => Encoding.UTF8.GetString(delivery.Message.Body.Span);

    /// <summary>A typed failure says what to do, in both languages, and no secret.</summary>
    protected static void SaysWhatToDo(Exception failure, TestServer server)
    {
        ArgumentNullException.ThrowIfNull(failure);
        ArgumentNullException.ThrowIfNull(server);
        failure.Message.Length.ShouldBeGreaterThan(40);
        failure.ToString().ShouldNotContain(server.Password);
    }

    protected async Task<IBroker> OpenAsync(TestServer server, Func<BrokerOptions, BrokerOptions>? with = null, string? url = null)
    {
        _server = server;
        var options = new BrokerOptions { Url = url ?? server.Url, ClientName = "test " + _prefix };
        var broker = await TestServer.OpenAsync(with?.Invoke(options) ?? options).Within();
        _brokers.Add(broker);
        return broker;
    }

    protected string QueueName(string what = "queue")
    {
        var name = _prefix + what;
        _queues.Add(name);
        return name;
    }

    /// <summary>The name of a queue that goes by itself, with its connection; deleting it as well would run into its going.</summary>
    protected string ShortLivedName(string what) => _prefix + what;

    protected async Task<string> DeclareAsync(IBroker broker, string what = "queue", Func<QueueSpec, QueueSpec>? with = null)
    {
        var queue = new QueueSpec(QueueName(what)) { Type = QueueType.Classic };
        await broker.Topology.ApplyAsync(new TopologyPlan { Queues = [with?.Invoke(queue) ?? queue] }, Cancel).Within();
        return queue.Name;
    }

    protected static Task PublishAsync(IBroker broker, string queue, string text) =>
        broker.Publisher.PublishAsync(new PublishRequest(Text(text), queue), Cancel).Within();

    /// <summary>Reads and acknowledges until the wanted texts have come; more than once is allowed where a connection was lost.</summary>
    protected static async Task<Dictionary<string, int>> TakeUntilAsync(IBrokerConsumer consumer, IEnumerable<string> wanted)
    {
        var missing = wanted.ToHashSet();
        var counts = new Dictionary<string, int>();
        while (missing.Count > 0)
        {
            var delivery = await consumer.NextAsync();
            var text = TextOf(delivery);
            counts[text] = counts.GetValueOrDefault(text) + 1;
            missing.Remove(text);
            await delivery.SettleAsync(Settlement.Ack, Cancel).Within();
        }

        return counts;
    }
}
