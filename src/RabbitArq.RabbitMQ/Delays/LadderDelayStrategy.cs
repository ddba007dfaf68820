using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;
using RabbitArq.RabbitMQ.Connecting;
using RabbitArq.RabbitMQ.Diagnostics;
using RabbitArq.RabbitMQ.Localization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using ClientExchangeType = RabbitMQ.Client.ExchangeType;

namespace RabbitArq.RabbitMQ.Delays;

/// <summary>
/// Delays on plain RabbitMQ: one queue per power of two, whose messages all wait equally long, so none blocks another.
/// <code>
///   publish at the highest set bit
///        │ key: 0.0.….1.0.1.queue
///        ▼
///  exchange n ──bit 1──► queue n (TTL 2ⁿ × unit) ──expired──► exchange n−1 …
///       └──────bit 0──────────────────────────────────────────► exchange n−1 …
///                                                    … ──► deliver ──name──► the queue
///                                                             └─ no binding ─► parked
/// </code>
/// Level queues are quorum queues that dead-letter at least once. Such a queue stops for everyone when its target takes
/// nothing, so the last exchange has an alternate one with a parking queue.
/// </summary>
internal sealed class LadderDelayStrategy : IDelayStrategy, IDisposable
{
    /// <summary>
    /// A binding dies with its queue, unseen by us when others delete and make it anew. Asking again every half minute
    /// costs nothing and bounds how long messages for such a queue are parked.
    /// </summary>
    private static readonly TimeSpan BindingTrust = TimeSpan.FromSeconds(30);

    private readonly ConnectionSupervisor _supervisor;
    private readonly Control _control;
    private readonly AmqpAddress _address;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _declaring = new(1, 1);
    private volatile State _state = new(null, -1);

    public LadderDelayStrategy(ConnectionSupervisor supervisor, Control control, AmqpAddress address, TimeProvider time, ILogger logger)
    {
        _supervisor = supervisor;
        _control = control;
        _address = address;
        _time = time;
        _logger = logger;
    }

    public bool IsPrepared(string queueName, TimeSpan wait)
    {
        var state = _state;
        return wait <= LadderNames.Longest
            && state.Link is not null
            && state.Link == _supervisor.Current
            && state.Highest >= LadderNames.HighestLevel(LadderNames.UnitsOf(wait))
            && state.BoundUntil.TryGetValue(queueName, out var until)
            && until > _time.GetTimestamp();
    }

    public async Task PrepareAsync(string queueName, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (wait > LadderNames.Longest)
        {
            throw new BrokerException(Texts.DelayTooLong(queueName, wait.TotalDays, LadderNames.Longest.TotalDays));
        }

        var escaped = LadderNames.Escape(queueName);
        if (Encoding.UTF8.GetByteCount(escaped) > LadderNames.LongestQueueName)
        {
            throw new BrokerException(Texts.DelayQueueNameTooLong(queueName, LadderNames.LongestQueueName));
        }

        await _declaring.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!IsPrepared(queueName, wait))
            {
                var highest = LadderNames.HighestLevel(LadderNames.UnitsOf(wait));
                await _control.RunAsync(Texts.WhatDelay(queueName), (scratch, token) => DeclareAsync(scratch, queueName, highest, token), cancellationToken)
                    .ConfigureAwait(false);
            }
        }
        finally
        {
            _declaring.Release();
        }
    }

    public (string Exchange, string RoutingKey) Route(string queueName, TimeSpan wait)
    {
        var units = LadderNames.UnitsOf(wait);
        return (LadderNames.Level(LadderNames.HighestLevel(units)), LadderNames.RoutingKey(units, LadderNames.Escape(queueName)));
    }

    public void Forget(string queueName) => _state.BoundUntil.TryRemove(queueName, out _);

    public void Dispose() => _declaring.Dispose();

    private async Task<bool> DeclareAsync(ScratchChannel scratch, string queueName, int highest, CancellationToken cancellationToken)
    {
        var state = _state;
        if (state.Link != scratch.Link)
        {
            // A fresh connection may be to a fresh broker.
            state = new State(scratch.Link, -1);
        }

        var channel = await scratch.GetAsync(cancellationToken).ConfigureAwait(false);
        if (state.Highest < 0)
        {
            await DeclareEndAsync(channel, cancellationToken).ConfigureAwait(false);
        }

        for (var level = state.Highest + 1; level <= highest; level++)
        {
            await DeclareLevelAsync(channel, level, cancellationToken).ConfigureAwait(false);
        }

        if (highest > state.Highest)
        {
            Log.LadderDeclared(_logger, highest + 1, LadderNames.TimeToLive(highest));
            state = state with { Highest = highest };
        }

        try
        {
            await channel.QueueBindAsync(
                queueName, LadderNames.Deliver, LadderNames.QueuePattern(LadderNames.Escape(queueName)), cancellationToken: cancellationToken)
                .ConfigureAwait(false);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            _state = state;
            throw new QueueNotFoundException(queueName, Texts.QueueMissing(queueName, _address.Masked), e);
        }

        state.BoundUntil[queueName] = _time.GetTimestamp() + (long)(BindingTrust.TotalSeconds * _time.TimestampFrequency);
        _state = state;
        return true;
    }

    private static async Task DeclareEndAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await channel.ExchangeDeclareAsync(LadderNames.Parked, ClientExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        await channel.QueueDeclareAsync(
            LadderNames.Parked, durable: true, exclusive: false, autoDelete: false,
            new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: cancellationToken).ConfigureAwait(false);
        await channel.QueueBindAsync(LadderNames.Parked, LadderNames.Parked, "", cancellationToken: cancellationToken).ConfigureAwait(false);
        await channel.ExchangeDeclareAsync(
            LadderNames.Deliver, ClientExchangeType.Topic, durable: true, autoDelete: false,
            new Dictionary<string, object?> { ["alternate-exchange"] = LadderNames.Parked }, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    private static async Task DeclareLevelAsync(IChannel channel, int level, CancellationToken cancellationToken)
    {
        var name = LadderNames.Level(level);
        var next = level == 0 ? LadderNames.Deliver : LadderNames.Level(level - 1);
        await channel.ExchangeDeclareAsync(name, ClientExchangeType.Topic, durable: true, autoDelete: false, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        var arguments = new Dictionary<string, object?>
        {
            ["x-queue-type"] = "quorum",
            ["x-message-ttl"] = (long)LadderNames.TimeToLive(level).TotalMilliseconds,
            ["x-dead-letter-exchange"] = next,
            ["x-dead-letter-strategy"] = "at-least-once",
            // At-least-once dead-lettering is only given together with this.
            ["x-overflow"] = "reject-publish",
        };
        await channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        await channel.QueueBindAsync(name, name, LadderNames.LevelPattern(level, '1'), cancellationToken: cancellationToken).ConfigureAwait(false);
        await channel.ExchangeBindAsync(next, name, LadderNames.LevelPattern(level, '0'), cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What is known to be declared over one connection. Replaced under <see cref="_declaring"/>.</summary>
    private sealed record State(BrokerLink? Link, int Highest)
    {
        /// <summary>Until which timestamp the binding of a queue is believed in.</summary>
        public ConcurrentDictionary<string, long> BoundUntil { get; } = new();
    }
}
