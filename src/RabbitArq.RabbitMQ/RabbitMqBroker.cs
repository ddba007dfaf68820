using Microsoft.Extensions.Logging;
using RabbitArq.RabbitMQ.Connecting;
using RabbitArq.RabbitMQ.Consuming;
using RabbitArq.RabbitMQ.Delays;
using RabbitArq.RabbitMQ.Inspecting;
using RabbitArq.RabbitMQ.Localization;
using RabbitArq.RabbitMQ.Publishing;
using RabbitArq.RabbitMQ.Topology;

namespace RabbitArq.RabbitMQ;

/// <summary>
/// A RabbitMQ server. One connection carries everything until the first consumer starts; from then on publishes have a
/// connection of their own, because a broker in alarm stops reading from connections that publish, acknowledgements included.
/// </summary>
internal sealed class RabbitMqBroker : IBroker
{
    private readonly BrokerOptions _options;
    private readonly AmqpAddress _address;
    private readonly Random _random;
    private readonly ConnectionSupervisor _primary;
    private readonly RabbitMqTopology _topology;
    private readonly LadderDelayStrategy _delay;
    private readonly RabbitMqPublisher _publisher;
    private readonly ConsumerOpener _opener;
    private readonly ILogger _consumerLogger;
    private readonly Lock _gate = new();
    private readonly HashSet<RabbitMqConsumer> _consumers = [];
    private volatile ConnectionSupervisor? _publishing;
    private int _disposed;

    public RabbitMqBroker(BrokerOptions options, AmqpAddress address, Random random)
    {
        _options = options;
        _address = address;
        _random = random;
        _primary = new ConnectionSupervisor(
            options.ClientName, address, options, NextRandom(), (link, token) => _topology!.RestoreAsync(link, token));
        var control = new Control(_primary, address, options.TimeProvider);
        _delay = new LadderDelayStrategy(
            _primary, control, address, options.TimeProvider, options.LoggerFactory.CreateLogger<LadderDelayStrategy>());
        _topology = new RabbitMqTopology(control, _delay, address, options.LoggerFactory.CreateLogger<RabbitMqTopology>());
        _publisher = new RabbitMqPublisher(() => _publishing ?? _primary, () => _primary.Server, _delay, address, options, NewBackoff());
        _consumerLogger = options.LoggerFactory.CreateLogger<RabbitMqConsumer>();
        _opener = new ConsumerOpener(_primary, control, address, options.TimeProvider, _consumerLogger);
        Inspector = new RabbitMqInspector(control, address);
    }

    public BrokerCapabilities Capabilities => new()
    {
        MaxBodyBytes = _publisher.MaxBodyBytes,
        SharedBetweenProcesses = true,
        PriorityQueueTypes = _primary.Server.QuorumQueuesKnowPriorities ? [QueueType.Classic, QueueType.Quorum] : [QueueType.Classic],
        CountingQueueTypes = [QueueType.Quorum],
        TellsUnacknowledged = false,
    };

    public IBrokerPublisher Publisher => _publisher;

    public IBrokerTopology Topology => _topology;

    public IBrokerInspector Inspector { get; }

    public Task OpenAsync(CancellationToken cancellationToken) => _primary.OpenAsync(cancellationToken);

    public async Task<IBrokerConsumer> ConsumeAsync(ConsumerSpec spec, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (spec.PrefetchCount is < 1 or > 2000)
        {
            throw new ArgumentOutOfRangeException(nameof(spec), spec.PrefetchCount, Texts.PrefetchOutOfRange(spec.PrefetchCount));
        }

        SeparatePublishing();
        _opener.CheckTimeout(spec, _primary.Server);
        var consumer = new RabbitMqConsumer(
            spec, _opener, _topology, NewBackoff(), _primary.Timeout, _options.TimeProvider, _consumerLogger, Forget);
        await consumer.StartAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            _consumers.Add(consumer);
        }

        return consumer;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        RabbitMqConsumer[] consumers;
        lock (_gate)
        {
            consumers = [.. _consumers];
        }

        await Task.WhenAll(consumers.Select(consumer => consumer.DisposeAsync().AsTask())).ConfigureAwait(false);
        await _publisher.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_primary.DisposeAsync().AsTask(), _publishing?.DisposeAsync().AsTask() ?? Task.CompletedTask).ConfigureAwait(false);
        _delay.Dispose();
    }

    private void Forget(RabbitMqConsumer consumer)
    {
        lock (_gate)
        {
            _consumers.Remove(consumer);
        }
    }

    private void SeparatePublishing()
    {
        lock (_gate)
        {
            if (_publishing is not null)
            {
                return;
            }

            // Queues that die with the first connection are back before anything is published to them.
            var publishing = new ConnectionSupervisor(
                _options.ClientName + " (publish)", _address, _options, NextRandom(), async (_, token) => await _primary.GetAsync(token).ConfigureAwait(false));
            publishing.Start();
            _publishing = publishing;
        }
    }

    private ReconnectBackoff NewBackoff() => new(NextRandom(), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));

    /// <summary>A generator of its own for each owner: <see cref="Random"/> is not thread-safe.</summary>
    private Random NextRandom()
    {
        lock (_gate)
        {
            return new Random(_random.Next());
        }
    }
}
