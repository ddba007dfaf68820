using RabbitArq.Routing;

namespace RabbitArq.Brokers;

/// <summary>What a broker tells about itself.</summary>
/// <param name="Product"><c>RabbitMQ</c>, or <c>RabbitArq embedded broker</c>.</param>
/// <param name="Version">Its version.</param>
/// <param name="Url">Its URL, without secrets.</param>
public sealed record BrokerInfo(string Product, string Version, string Url);

/// <summary>A queue at one moment.</summary>
/// <param name="Name">The queue.</param>
/// <param name="MessagesReady">Messages that wait for a consumer.</param>
/// <param name="Consumers">Consumers on the queue. Quorum queues count a cancelled one until its deliveries are settled.</param>
public sealed record QueueInfo(string Name, long MessagesReady, long Consumers)
{
    /// <summary>Messages handed out and not settled; null where the broker does not tell over its protocol (RabbitMQ).</summary>
    public long? MessagesUnacknowledged { get; init; }

    /// <summary>Messages that wait for their due time; null where the broker does not tell (RabbitMQ).</summary>
    public long? MessagesDelayed { get; init; }
}

/// <summary>What a broker can and cannot do. What differs from RabbitMQ's behaviour is said here, and tested as said.</summary>
public sealed record BrokerCapabilities
{
    /// <summary>The largest body in bytes, as far as it is known.</summary>
    public required long MaxBodyBytes { get; init; }

    /// <summary>Whether another process can consume what this one publishes. False for <c>sqlite::memory:</c>.</summary>
    public required bool SharedBetweenProcesses { get; init; }

    /// <summary>The queue types on which a priority has an effect.</summary>
    public required IReadOnlyCollection<QueueType> PriorityQueueTypes { get; init; }

    /// <summary>The queue types on which <see cref="Delivery.DeliveryCount"/> is a real count.</summary>
    public required IReadOnlyCollection<QueueType> CountingQueueTypes { get; init; }

    /// <summary>Whether <see cref="QueueInfo.MessagesUnacknowledged"/> and <see cref="QueueInfo.MessagesDelayed"/> are known.</summary>
    public required bool TellsUnacknowledged { get; init; }
}
