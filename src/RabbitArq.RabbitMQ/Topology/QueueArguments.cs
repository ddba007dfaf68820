using RabbitArq.RabbitMQ.Localization;

namespace RabbitArq.RabbitMQ.Topology;

/// <summary>The arguments of a declaration: only what cannot be a policy and was asked for.</summary>
internal static class QueueArguments
{
    /// <exception cref="BrokerException">The specification asks for what no server has.</exception>
    public static Dictionary<string, object?> For(QueueSpec queue)
    {
        var arguments = new Dictionary<string, object?>();
        if (queue.Type == QueueType.Quorum)
        {
            if (queue.Exclusive || queue.AutoDelete)
            {
                throw new BrokerException(Texts.QuorumNeedsShared(queue.Name));
            }

            arguments["x-queue-type"] = "quorum";
            if (queue.DeliveryLimit is { } deliveryLimit)
            {
                arguments["x-delivery-limit"] = (long)deliveryLimit;
            }

            if (queue.DeadLetterExchange is not null && queue.RejectPublishWhenFull)
            {
                arguments["x-dead-letter-strategy"] = "at-least-once";
            }
        }
        else
        {
            // Servers may be told to make quorum queues where no type is named.
            arguments["x-queue-type"] = "classic";
            if (queue.MaxPriority is { } priority)
            {
                arguments["x-max-priority"] = (long)priority;
            }
        }

        AddCommon(queue, arguments);
        return arguments;
    }

    private static void AddCommon(QueueSpec queue, Dictionary<string, object?> arguments)
    {
        if (queue.MaxLength is { } length)
        {
            arguments["x-max-length"] = length;
        }

        if (queue.RejectPublishWhenFull)
        {
            arguments["x-overflow"] = "reject-publish";
        }

        if (queue.MessageTtl is { } timeToLive)
        {
            arguments["x-message-ttl"] = (long)timeToLive.TotalMilliseconds;
        }

        if (queue.DeadLetterExchange is { } exchange)
        {
            arguments["x-dead-letter-exchange"] = exchange;
        }

        if (queue.DeadLetterRoutingKey is { } routingKey)
        {
            arguments["x-dead-letter-routing-key"] = routingKey;
        }
    }
}
