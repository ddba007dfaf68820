using RabbitArq.Messages;

namespace RabbitArq.Brokers;

/// <summary>How a delivery ends, as seen by the broker.</summary>
public enum Settlement
{
    /// <summary>Done with: the broker forgets the message (AMQP <c>basic.ack</c>).</summary>
    Ack,

    /// <summary>Handed back: the broker delivers it again, to anyone (AMQP <c>basic.nack</c> with requeue).</summary>
    Requeue,

    /// <summary>Refused: the broker dead-letters it by the queue's own rule, or drops it where there is none.</summary>
    Reject,
}

/// <summary>One message handed to one consumer. It is settled once, on the channel it came on.</summary>
public abstract class Delivery
{
    private int _settled;

    /// <summary>The message, as it was published.</summary>
    public required BrokerMessage Message { get; init; }

    /// <summary>The queue it came from.</summary>
    public required string QueueName { get; init; }

    /// <summary>The exchange it was published to; empty for the default exchange.</summary>
    public string Exchange { get; init; } = "";

    /// <summary>The routing key it was published with.</summary>
    public string RoutingKey { get; init; } = "";

    /// <summary>Whether the broker may have handed it to a consumer before.</summary>
    public bool Redelivered { get; init; }

    /// <summary>
    /// How often the broker handed the message out before without an ack. Brokers that do not count (classic queues of
    /// RabbitMQ) say 1 when <see cref="Redelivered"/> and 0 otherwise. RabbitMQ from 4.0 on keeps the count of a message that it
    /// dead-letters. It is the fuse against poison, not the attempt counter, which travels in the envelope.
    /// </summary>
    public int DeliveryCount { get; init; }

    /// <summary>Whether <see cref="SettleAsync"/> was called.</summary>
    public bool IsSettled => Volatile.Read(ref _settled) != 0;

    /// <summary>
    /// Whether the channel it came on still lives. A delivery of a dead channel need not be worked on: the broker hands
    /// the message out again.
    /// </summary>
    public abstract bool IsLive { get; }

    /// <summary>
    /// Settles the delivery. Only the first call counts. A delivery whose channel has died is dropped silently: the
    /// broker delivers the message again.
    /// </summary>
    /// <param name="settlement">How it ends.</param>
    /// <param name="cancellationToken">Gives up waiting; the settlement may then have reached the broker or not.</param>
    /// <returns>Whether this call was the first.</returns>
    public async ValueTask<bool> SettleAsync(Settlement settlement, CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _settled, 1) != 0)
        {
            return false;
        }

        await SettleOnChannelAsync(settlement, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Tells the broker. Called at most once; must not throw because the channel is dead.</summary>
    /// <param name="settlement">How the delivery ends.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>A task that ends when the settlement was handed to the broker.</returns>
    protected abstract ValueTask SettleOnChannelAsync(Settlement settlement, CancellationToken cancellationToken);
}
