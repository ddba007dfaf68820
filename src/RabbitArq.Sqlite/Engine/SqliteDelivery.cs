using RabbitArq.Brokers;

namespace RabbitArq.Sqlite.Engine;

/// <summary>A delivery of the embedded broker.</summary>
internal sealed class SqliteDelivery(SqliteConsumer consumer, long messageId, int epoch) : Delivery
{
    public long MessageId { get; } = messageId;

    /// <inheritdoc/>
    public override bool IsLive => consumer.Epoch == epoch;

    /// <summary>
    /// Hands the settlement to the store's thread and does not wait for the commit, as an AMQP ack does not wait for the
    /// server: settlements of many deliveries share a transaction. A process that dies before the commit gets the message
    /// delivered again.
    /// </summary>
    protected override ValueTask SettleOnChannelAsync(Settlement settlement, CancellationToken cancellationToken)
    {
        consumer.Store.Queue.Post(new SettleOperation(consumer, this, settlement));
        return ValueTask.CompletedTask;
    }
}

/// <summary>A settlement. It is tried again until it is committed, because its caller is gone.</summary>
internal sealed class SettleOperation(SqliteConsumer consumer, SqliteDelivery delivery, Settlement settlement) : StoreOperation
{
    public override bool MustHappen => true;

    public override void Execute(EmbeddedStore store)
    {
        if (!consumer.BeginSettle(delivery))
        {
            return;
        }

        switch (settlement)
        {
            case Settlement.Ack:
                store.Messages.Acknowledge(delivery.MessageId, store.NodeId);
                break;
            case Settlement.Requeue:
                store.Messages.Return(delivery.MessageId, store.NodeId, delivered: true);
                break;
            default:
                store.Messages.Reject(delivery.MessageId, store.NodeId);
                break;
        }

        store.Consumers.Notice(consumer.QueueId);
    }

    public override void Complete() => consumer.EndSettle(delivery);

    public override void Fail(Exception failure)
    {
        // The store is closed, and with it the consumer: its deliveries have gone back.
    }
}
