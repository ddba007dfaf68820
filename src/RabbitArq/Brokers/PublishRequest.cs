using RabbitArq.Messages;

namespace RabbitArq.Brokers;

/// <summary>One message and where it goes.</summary>
/// <param name="Message">The message.</param>
/// <param name="RoutingKey">The routing key; with the default exchange, the queue's name.</param>
public sealed record PublishRequest(BrokerMessage Message, string RoutingKey)
{
    /// <summary>The exchange. Default: the default exchange (empty), which routes to the queue named by the routing key.</summary>
    public string Exchange { get; init; } = "";

    /// <summary>
    /// When the message may reach its queue; null or a past instant: at once. A message with a due time goes to the queue
    /// named <see cref="RoutingKey"/> through the broker's delay mechanism, and <see cref="Exchange"/> must be empty.
    /// </summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>Whether a message that no queue takes is an <see cref="UnroutableException"/> (AMQP <c>mandatory</c>). Default: true.</summary>
    public bool Mandatory { get; init; } = true;
}
