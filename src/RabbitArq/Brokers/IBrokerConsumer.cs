using System.Threading.Channels;

namespace RabbitArq.Brokers;

/// <summary>What to consume.</summary>
/// <param name="QueueName">The queue.</param>
/// <param name="PrefetchCount">How many unsettled deliveries this consumer may hold, 1 to 2000 (the limit of quorum queues).</param>
public sealed record ConsumerSpec(string QueueName, int PrefetchCount)
{
    /// <summary>A tag that names the consumer in the broker's own tools; null: the broker makes one.</summary>
    public string? Tag { get; init; }

    /// <summary>Whether no other consumer may be on the queue. Default: false.</summary>
    public bool Exclusive { get; init; }

    /// <summary>
    /// The longest that a delivery may stay unsettled in good health. The broker is asked to allow it where it can be
    /// asked (RabbitMQ: <c>x-consumer-timeout</c>); null: the broker's own limit.
    /// </summary>
    public TimeSpan? LongestDelivery { get; init; }
}

/// <summary>
/// A running consumer of one queue. It outlives the connection: after a loss the broker implementation consumes again,
/// and deliveries of the dead channel are no longer <see cref="Delivery.IsLive"/>.
/// </summary>
public interface IBrokerConsumer : IAsyncDisposable
{
    /// <summary>
    /// The deliveries, in the broker's order, never more than the prefetch count unsettled. Completes after
    /// <see cref="CancelAsync"/>, or with the exception that ended the consumer for good. Many readers may read it.
    /// </summary>
    ChannelReader<Delivery> Deliveries { get; }

    /// <summary>Whether the broker counts it as a consumer of the queue right now.</summary>
    bool IsConsuming { get; }

    /// <summary>
    /// Stops taking: no new delivery arrives, those not yet read are handed back at once, <see cref="Deliveries"/>
    /// completes. Deliveries already read may still be settled until the consumer is disposed.
    /// </summary>
    /// <param name="cancellationToken">Gives up waiting for the broker's answer.</param>
    /// <returns>A task that ends when the broker has confirmed.</returns>
    Task CancelAsync(CancellationToken cancellationToken = default);
}
