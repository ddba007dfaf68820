using Microsoft.Extensions.Logging;
using RabbitArq.RabbitMQ.Connecting;
using RabbitArq.RabbitMQ.Delays;
using RabbitArq.RabbitMQ.Diagnostics;
using RabbitArq.RabbitMQ.Localization;
using RabbitArq.RabbitMQ.Wire;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace RabbitArq.RabbitMQ.Topology;

/// <summary>
/// Declares, looking first: what exists is adopted. Remembers what was applied and applies it again on each fresh
/// connection, before anyone uses it.
/// </summary>
internal sealed class RabbitMqTopology(Control control, IDelayStrategy delay, AmqpAddress address, ILogger logger) : IBrokerTopology
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ExchangeSpec> _exchanges = [];
    private readonly Dictionary<string, QueueSpec> _queues = [];
    private readonly List<BindingSpec> _bindings = [];

    public async Task ApplyAsync(TopologyPlan plan, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        await control.RunAsync(
            Texts.WhatTopology(),
            (scratch, token) => DeclareAsync(scratch, plan.Exchanges, plan.Queues, plan.Bindings, warn: true, token),
            cancellationToken).ConfigureAwait(false);
        Remember(plan);
    }

    public async Task DeleteQueueAsync(string queueName, CancellationToken cancellationToken = default)
    {
        // Forgotten first: a reconnect in between must not bring it back.
        lock (_gate)
        {
            _queues.Remove(queueName);
            _bindings.RemoveAll(binding => binding.QueueName == queueName);
        }

        delay.Forget(queueName);
        await control.RunAsync(
            Texts.WhatDeleteQueue(queueName),
            async (scratch, token) =>
            {
                var channel = await scratch.GetAsync(token).ConfigureAwait(false);
                return await channel.QueueDeleteAsync(queueName, ifUnused: false, ifEmpty: false, cancellationToken: token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteExchangeAsync(string exchangeName, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            _exchanges.Remove(exchangeName);
            _bindings.RemoveAll(binding => binding.Exchange == exchangeName);
        }

        await control.RunAsync(
            Texts.WhatDeleteExchange(exchangeName),
            async (scratch, token) =>
            {
                var channel = await scratch.GetAsync(token).ConfigureAwait(false);
                await channel.ExchangeDeleteAsync(exchangeName, ifUnused: false, cancellationToken: token).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Applies everything remembered on a fresh connection. Differences were reported the first time.</summary>
    public Task RestoreAsync(BrokerLink link, CancellationToken cancellationToken)
    {
        List<ExchangeSpec> exchanges;
        List<QueueSpec> queues;
        List<BindingSpec> bindings;
        lock (_gate)
        {
            (exchanges, queues, bindings) = ([.. _exchanges.Values], [.. _queues.Values], [.. _bindings]);
        }

        return exchanges.Count + queues.Count + bindings.Count == 0
            ? Task.CompletedTask
            : RestoreEachAsync(link, exchanges, queues, bindings, cancellationToken);
    }

    /// <summary>
    /// One by one: what is refused (an exclusive queue that the server still counts to the lost connection) must not keep the
    /// rest from being there.
    /// </summary>
    private async Task RestoreEachAsync(
        BrokerLink link, List<ExchangeSpec> exchanges, List<QueueSpec> queues, List<BindingSpec> bindings, CancellationToken cancellationToken)
    {
        var parts = exchanges.Select(exchange => (exchange.Name, Plan: new TopologyPlan { Exchanges = [exchange] }))
            .Concat(queues.Select(queue => (queue.Name, Plan: new TopologyPlan { Queues = [queue] })))
            .Concat(bindings.Select(binding => (Name: binding.Exchange, Plan: new TopologyPlan { Bindings = [binding] })));
        foreach (var (name, plan) in parts)
        {
            try
            {
                await control.RunOnAsync(
                    link,
                    Texts.WhatTopology(),
                    (scratch, token) => DeclareAsync(scratch, plan.Exchanges, plan.Queues, plan.Bindings, warn: false, token),
                    cancellationToken).ConfigureAwait(false);
            }
            catch (BrokerException e) when (!link.IsLost)
            {
                Log.RestoreFailed(logger, name, e.Message);
            }
        }
    }

    /// <summary>
    /// Makes a queue again that dies with its connection or its last consumer, for the consumer that has just lost it. A
    /// queue that others deleted on purpose is not made again.
    /// </summary>
    /// <returns>Whether there was such a queue to make.</returns>
    public async Task<bool> RestoreShortLivedAsync(string queueName, CancellationToken cancellationToken)
    {
        QueueSpec? queue;
        List<BindingSpec> bindings;
        lock (_gate)
        {
            if (!_queues.TryGetValue(queueName, out queue) || !(queue.Exclusive || queue.AutoDelete))
            {
                return false;
            }

            bindings = [.. _bindings.Where(binding => binding.QueueName == queueName)];
        }

        return await control.RunAsync(
            Texts.WhatTopology(), (scratch, token) => DeclareAsync(scratch, [], [queue], bindings, warn: false, token), cancellationToken)
            .ConfigureAwait(false);
    }

    private void Remember(TopologyPlan plan)
    {
        lock (_gate)
        {
            foreach (var exchange in plan.Exchanges)
            {
                _exchanges[exchange.Name] = exchange;
            }

            foreach (var queue in plan.Queues)
            {
                _queues[queue.Name] = queue;
                delay.Forget(queue.Name);
            }

            foreach (var binding in plan.Bindings)
            {
                // Argument tables compare by reference: the same plan applied twice must not grow the list.
                _bindings.RemoveAll(known => known with { Arguments = binding.Arguments } == binding && SameArguments(known, binding));
                _bindings.Add(binding);
            }
        }
    }

    private static bool SameArguments(BindingSpec one, BindingSpec other) =>
        one.Arguments.Count == other.Arguments.Count
        && one.Arguments.All(pair => other.Arguments.TryGetValue(pair.Key, out var value) && Equals(value, pair.Value));

    private async Task<bool> DeclareAsync(
        ScratchChannel scratch,
        IReadOnlyList<ExchangeSpec> exchanges,
        IReadOnlyList<QueueSpec> queues,
        IReadOnlyList<BindingSpec> bindings,
        bool warn,
        CancellationToken cancellationToken)
    {
        foreach (var exchange in exchanges)
        {
            await DeclareExchangeAsync(scratch, exchange, warn, cancellationToken).ConfigureAwait(false);
        }

        foreach (var queue in queues)
        {
            await DeclareQueueAsync(scratch, queue, warn, cancellationToken).ConfigureAwait(false);
        }

        foreach (var binding in bindings)
        {
            var channel = await scratch.GetAsync(cancellationToken).ConfigureAwait(false);
            await channel.QueueBindAsync(
                binding.QueueName, binding.Exchange, binding.RoutingKey, AmqpHeaders.ForPublish(binding.Arguments), cancellationToken: cancellationToken)
                .ConfigureAwait(false);
        }

        return true;
    }

    private async Task DeclareQueueAsync(ScratchChannel scratch, QueueSpec queue, bool warn, CancellationToken cancellationToken)
    {
        var arguments = QueueArguments.For(queue);
        var exists = await ExistsAsync(
            scratch, (channel, token) => channel.QueueDeclarePassiveAsync(queue.Name, token), cancellationToken).ConfigureAwait(false);
        await DeclareOrAdoptAsync(
            scratch,
            Texts.KindQueue(),
            queue.Name,
            exists,
            warn,
            (channel, token) => channel.QueueDeclareAsync(
                queue.Name, queue.Durable || queue.Type == QueueType.Quorum, queue.Exclusive, queue.AutoDelete, arguments, cancellationToken: token),
            cancellationToken).ConfigureAwait(false);
    }

    private async Task DeclareExchangeAsync(ScratchChannel scratch, ExchangeSpec exchange, bool warn, CancellationToken cancellationToken)
    {
        if (exchange.Name.Length == 0)
        {
            // The default exchange is always there and cannot be declared.
            return;
        }

        var exists = await ExistsAsync(
            scratch, (channel, token) => channel.ExchangeDeclarePassiveAsync(exchange.Name, token), cancellationToken).ConfigureAwait(false);
        if (exists && exchange.Name.StartsWith("amq.", StringComparison.Ordinal))
        {
            return;
        }

        var arguments = exchange.AlternateExchange is { } alternate
            ? new Dictionary<string, object?> { ["alternate-exchange"] = alternate }
            : null;
        await DeclareOrAdoptAsync(
            scratch,
            Texts.KindExchange(),
            exchange.Name,
            exists,
            warn,
            (channel, token) => channel.ExchangeDeclareAsync(
                exchange.Name, TypeName(exchange.Type), exchange.Durable, exchange.AutoDelete, arguments, cancellationToken: token),
            cancellationToken).ConfigureAwait(false);
    }

    private static async Task<bool> ExistsAsync(
        ScratchChannel scratch, Func<IChannel, CancellationToken, Task> declarePassively, CancellationToken cancellationToken)
    {
        try
        {
            await declarePassively(await scratch.GetAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return false;
        }
    }

    /// <summary>
    /// Declares it actively also when it exists: the refusal is the only way in which AMQP tells that something differs.
    /// Nothing is ever changed by it.
    /// </summary>
    private async Task DeclareOrAdoptAsync(
        ScratchChannel scratch,
        string kind,
        string name,
        bool exists,
        bool warn,
        Func<IChannel, CancellationToken, Task> declare,
        CancellationToken cancellationToken)
    {
        try
        {
            await declare(await scratch.GetAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.PreconditionFailed && IsInequivalence(e))
        {
            if (warn)
            {
                Log.AdoptedDifferent(logger, kind, name, address.Masked, e.ShutdownReason!.ReplyText);
            }
        }
        catch (OperationInterruptedException e) when (exists && e.ShutdownReason?.ReplyCode == Constants.AccessRefused)
        {
            // It is there, and the user may use but not declare it: nothing to compare with.
            Log.AdoptedUnchecked(logger, kind, name);
        }
    }

    private static bool IsInequivalence(OperationInterruptedException e) =>
        e.ShutdownReason!.ReplyText.Contains("inequivalent", StringComparison.OrdinalIgnoreCase);

    private static string TypeName(ExchangeType type) => type switch
    {
        ExchangeType.Direct => "direct",
        ExchangeType.Topic => "topic",
        ExchangeType.Fanout => "fanout",
        ExchangeType.Headers => "headers",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };
}
