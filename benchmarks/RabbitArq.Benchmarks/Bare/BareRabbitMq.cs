using RabbitArq.Messages;
using RabbitMQ.Client;

namespace RabbitArq.Benchmarks.Bare;

/// <summary>
/// RabbitMQ.Client without anything on top, used as it is fastest: publishes pipelined in a sliding window of tracked
/// confirms, consumed by a class of its own, the body not even looked at.
/// </summary>
internal sealed class BareRabbitMq : IBareSide
{
    /// <summary>
    /// Publishes that wait for their confirm. The client's own limiter is left out: it delays publishes when half of its
    /// limit is used.
    /// </summary>
    private const int Window = 4096;

    private readonly BenchmarkSettings _settings;
    private readonly Queues _queues;
    private readonly RabbitArqSide _ours;
    private readonly IConnection _publishing;
    private readonly IConnection _consuming;
    private readonly IChannel _channel;
    private readonly byte[] _body;
    private readonly BasicProperties _properties;

    private BareRabbitMq(
        BenchmarkSettings settings, Queues queues, RabbitArqSide ours, IConnection publishing, IConnection consuming, IChannel channel)
    {
        _settings = settings;
        _queues = queues;
        _ours = ours;
        _publishing = publishing;
        _consuming = consuming;
        _channel = channel;
        var message = ours.SampleMessage();
        _body = message.Body.ToArray();
        _properties = PropertiesOf(message);
    }

    public string Name => "RabbitMQ.Client";

    public static async Task<BareRabbitMq> OpenAsync(
        BenchmarkSettings settings, string url, Queues queues, RabbitArqSide ours, CancellationToken cancellationToken)
    {
        var factory = new ConnectionFactory { Uri = new Uri(url), ClientProvidedName = "rabbitarq benchmark, bare client", AutomaticRecoveryEnabled = false };
        var publishing = await factory.CreateConnectionAsync(cancellationToken);
        var consuming = await factory.CreateConnectionAsync(cancellationToken);
        var channel = await publishing.CreateChannelAsync(
            new CreateChannelOptions(
                publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null),
            cancellationToken);
        return new BareRabbitMq(settings, queues, ours, publishing, consuming, channel);
    }

    public async Task<Sample> EnqueueAsync(CancellationToken deadline)
    {
        await _queues.EmptyAsync(_queues.Bare, deadline);
        var outstanding = new Queue<Task>(Window);
        var started = WorkClock.Now;
        for (var i = 0; i < _settings.Jobs; i++)
        {
            if (outstanding.Count == Window)
            {
                await outstanding.Dequeue();
            }

            outstanding.Enqueue(PublishAsync(deadline).AsTask());
        }

        while (outstanding.TryDequeue(out var publish))
        {
            await publish;
        }

        var sample = started.Since(_settings.Jobs);
        await _queues.ExpectAsync(_queues.Bare, _settings.Jobs, Name, deadline);
        return sample;
    }

    public async Task<Sample> DrainAsync(int acksTogether, CancellationToken deadline)
    {
        await _ours.PreloadAsync(_queues.Bare, deadline);
        var line = new FinishLine(_settings.Jobs);
        var sample = await WithConsumerAsync(
            channel => new AcknowledgingConsumer(channel, acksTogether, _settings.Jobs, _ => line.Arrive()), () => line.RateAsync(Name, deadline), deadline);
        await _queues.ExpectAsync(_queues.Bare, 0, Name + ", drained", deadline);
        return sample;
    }

    public async Task<Sample> LatencyAsync(CancellationToken deadline)
    {
        await _queues.EmptyAsync(_queues.Bare, deadline);
        var latency = new LatencyRun(_settings.Jobs, _settings.Rate);
        return await WithConsumerAsync(
            channel => new ClockingConsumer(channel, latency.Arrived),
            () => latency.RunAsync(Name, (_, token) => PublishAsync(token).AsTask(), deadline),
            deadline);
    }

    public async ValueTask DisposeAsync()
    {
        await _publishing.DisposeAsync();
        await _consuming.DisposeAsync();
    }

    private ValueTask PublishAsync(CancellationToken deadline) =>
        _channel.BasicPublishAsync("", _queues.Bare, mandatory: true, _properties, _body, deadline);

    private async Task<T> WithConsumerAsync<T>(Func<IChannel, IAsyncBasicConsumer> make, Func<Task<T>> measure, CancellationToken deadline)
    {
        await using var channel = await _consuming.CreateChannelAsync(cancellationToken: deadline);
        await channel.BasicQosAsync(0, (ushort)_settings.Prefetch, global: false, deadline);
        var tag = await channel.BasicConsumeAsync(_queues.Bare, autoAck: false, make(channel), deadline);
        var result = await measure();

        // A quorum queue stashes acks that come faster than its log takes them, and forgets the stash of a channel that is
        // closed (rabbitmq-server issue 10327); the cancel writes it out.
        await channel.BasicCancelAsync(tag, noWait: false, deadline);
        await channel.CloseAsync(deadline);
        return result;
    }

    /// <summary>The same properties, so that the same bytes go over the wire.</summary>
    private static BasicProperties PropertiesOf(BrokerMessage message) => new()
    {
        Persistent = message.Persistent,
        MessageId = message.MessageId,
        CorrelationId = message.CorrelationId,
        Type = message.Type,
        ContentType = message.ContentType,
        ContentEncoding = message.ContentEncoding,
        Timestamp = new AmqpTimestamp(message.Timestamp!.Value.ToUnixTimeSeconds()),
        Headers = message.Headers.ToDictionary(header => header.Key, header => header.Value),
    };

    /// <summary>Acknowledges one message at a time, or several together, and counts.</summary>
    private sealed class AcknowledgingConsumer(IChannel channel, int together, int expected, Action<int> onMessage) : AsyncDefaultBasicConsumer(channel)
    {
        private int _count;

        public override async Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
            IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            // One call after the other: the channel's dispatch concurrency is 1.
            _count++;
            if (together == 1 || _count % together == 0 || _count == expected)
            {
                await Channel.BasicAckAsync(deliveryTag, multiple: together > 1, cancellationToken);
            }

            onMessage(_count);
        }
    }

    /// <summary>Takes the time first, then acknowledges.</summary>
    private sealed class ClockingConsumer(IChannel channel, Action<int> onMessage) : AsyncDefaultBasicConsumer(channel)
    {
        private int _next;

        public override async Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
            IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            // One publisher, one queue, one consumer: messages arrive in the order of sending.
            onMessage(_next++);
            await Channel.BasicAckAsync(deliveryTag, multiple: false, cancellationToken);
        }
    }
}
