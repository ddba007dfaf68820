using System.Collections.Concurrent;
using System.Threading.Channels;
using RabbitArq.Brokers;
using RabbitArq.Messages;
using RabbitArq.Routing;

namespace RabbitArq.Tests.Support;

/// <summary>
/// A broker for faults that no real one can be made to have at will: deliveries that are held up, a cancel that is not
/// answered, publishes that fail. It delivers what a test hands it, and notes what becomes of it.
/// </summary>
internal sealed class FakeBroker : IBroker, IBrokerPublisher, IBrokerTopology, IBrokerInspector
{
    public BrokerCapabilities Capabilities { get; } = new()
    {
        MaxBodyBytes = long.MaxValue,
        SharedBetweenProcesses = false,
        PriorityQueueTypes = [],
        CountingQueueTypes = [],
        TellsUnacknowledged = false,
    };

    public IBrokerPublisher Publisher => this;

    public IBrokerTopology Topology => this;

    public IBrokerInspector Inspector => this;

    public ConcurrentQueue<PublishRequest> Published { get; } = new();

    public ConcurrentQueue<TopologyPlan> Applied { get; } = new();

    public ConcurrentDictionary<string, FakeConsumer> Consumers { get; } = new();

    /// <summary>Called for each publish; throws what the publish shall fail with.</summary>
    public Func<PublishRequest, CancellationToken, ValueTask> OnPublish { get; set; } = (_, _) => ValueTask.CompletedTask;

    /// <summary>How many messages wait, for each look.</summary>
    public Func<string, Task<QueueInfo?>> OnFind { get; set; } = name => Task.FromResult<QueueInfo?>(new QueueInfo(name, 0, 1));

    public Func<string, Task> OnConsume { get; set; } = _ => Task.CompletedTask;

    public Func<TopologyPlan, CancellationToken, Task> OnApply { get; set; } = (_, _) => Task.CompletedTask;

    public FakeConsumer ConsumerOf(string queue) => Consumers.GetOrAdd(queue, _ => new FakeConsumer());

    public FakeDelivery Deliver(string queue, string body, bool isLive = true) =>
        Deliver(queue, new BrokerMessage { Body = System.Text.Encoding.UTF8.GetBytes(body), ContentType = "application/json" }, isLive);

    public FakeDelivery Deliver(string queue, BrokerMessage message, bool isLive = true)
    {
        var delivery = new FakeDelivery { Message = message, QueueName = queue, Live = isLive };
        ConsumerOf(queue).Channel.Writer.TryWrite(delivery);
        return delivery;
    }

    public async Task<IBrokerConsumer> ConsumeAsync(ConsumerSpec spec, CancellationToken cancellationToken = default)
    {
        await OnConsume(spec.QueueName);
        var consumer = ConsumerOf(spec.QueueName);
        consumer.Spec = spec;
        return consumer;
    }

    public async ValueTask PublishAsync(PublishRequest request, CancellationToken cancellationToken = default)
    {
        await OnPublish(request, cancellationToken);
        Published.Enqueue(request);
    }

    public Task ApplyAsync(TopologyPlan plan, CancellationToken cancellationToken = default)
    {
        Applied.Enqueue(plan);
        return OnApply(plan, cancellationToken);
    }

    public Task DeleteQueueAsync(string queueName, CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task DeleteExchangeAsync(string exchangeName, CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task<BrokerInfo> GetBrokerAsync(CancellationToken cancellationToken = default) => Task.FromResult(new BrokerInfo("fake", "1", "fake:"));

    public Task<QueueInfo?> FindQueueAsync(string queueName, CancellationToken cancellationToken = default) => OnFind(queueName);

    public Task<long> PurgeAsync(string queueName, CancellationToken cancellationToken = default) => Task.FromResult(0L);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

internal sealed class FakeConsumer : IBrokerConsumer
{
    public Channel<Delivery> Channel { get; } = System.Threading.Channels.Channel.CreateUnbounded<Delivery>();

    public ChannelReader<Delivery> Deliveries => Channel.Reader;

    public ConsumerSpec? Spec { get; set; }

    public bool IsConsuming => !IsDisposed;

    public bool IsDisposed { get; private set; }

    public bool IsCancelled { get; private set; }

    public Func<CancellationToken, Task> OnCancel { get; set; } = _ => Task.CompletedTask;

    public async Task CancelAsync(CancellationToken cancellationToken = default)
    {
        IsCancelled = true;
        await OnCancel(cancellationToken);
        Channel.Writer.TryComplete();
    }

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        Channel.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }
}

internal sealed class FakeDelivery : Delivery
{
    private readonly TaskCompletionSource<Settlement> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool Live { get; set; } = true;

    public override bool IsLive => Live;

    /// <summary>How it was settled, when it is.</summary>
    public Task<Settlement> Settled => _settled.Task;

    protected override ValueTask SettleOnChannelAsync(Settlement settlement, CancellationToken cancellationToken)
    {
        // As a real one does with a token that is cancelled already.
        cancellationToken.ThrowIfCancellationRequested();
        _settled.TrySetResult(settlement);
        return ValueTask.CompletedTask;
    }
}

/// <summary>The bodies of jobs as they are on the wire.</summary>
internal static class Bodies
{
    private static int _last;

    public static string Job(string function, string args = "[]", int attempt = 1, string more = "") =>
        $$"""{"job_id":"job{{Interlocked.Increment(ref _last)}}","function":"{{function}}","args":{{args}},"kwargs":{},"job_try":{{attempt}}{{more}}}""";
}
