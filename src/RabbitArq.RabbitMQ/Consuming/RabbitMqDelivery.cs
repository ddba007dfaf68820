namespace RabbitArq.RabbitMQ.Consuming;

/// <summary>A delivery that knows the channel it came on.</summary>
internal sealed class RabbitMqDelivery(ConsumerSession session, ulong tag) : Delivery
{
    public ConsumerSession Session => session;

    public override bool IsLive => session.IsAlive;

    protected override ValueTask SettleOnChannelAsync(Settlement settlement, CancellationToken cancellationToken) =>
        session.SettleAsync(tag, settlement, cancellationToken);
}
