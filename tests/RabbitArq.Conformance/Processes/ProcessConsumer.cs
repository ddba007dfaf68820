using System.Threading.Channels;
using RabbitArq.Brokers;

namespace RabbitArq.Conformance.Processes;

/// <summary>A consumer in another process.</summary>
internal sealed class ProcessConsumer(BrokerProcess process, long id) : IBrokerConsumer
{
    // Bounded by the prefetch count, which the other process keeps.
    private readonly Channel<Delivery> _deliveries = Channel.CreateUnbounded<Delivery>();
    private int _cancelled;
    private int _ended;

    public ChannelReader<Delivery> Deliveries => _deliveries.Reader;

    public bool IsConsuming => Volatile.Read(ref _cancelled) == 0 && IsLive;

    internal bool IsLive => Volatile.Read(ref _ended) == 0 && process.IsRunning;

    public async Task CancelAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _cancelled, 1) != 0 || !IsLive)
        {
            return;
        }

        await process.CallAsync(new Call(0, Verb.Cancel) { Consumer = id }, cancellationToken);
        _deliveries.Writer.TryComplete();
        while (_deliveries.Reader.TryRead(out var unread))
        {
            await unread.SettleAsync(Settlement.Requeue, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0 && process.IsRunning)
        {
            await process.CallAsync(new Call(0, Verb.EndConsumer) { Consumer = id }, CancellationToken.None);
        }

        _deliveries.Writer.TryComplete();
    }

    internal void Arrived(Parcel parcel)
    {
        var delivery = new ProcessDelivery(this, parcel.Id)
        {
            Message = parcel.Message,
            QueueName = parcel.QueueName,
            Exchange = parcel.Exchange,
            RoutingKey = parcel.RoutingKey,
            Redelivered = parcel.Redelivered,
            DeliveryCount = parcel.DeliveryCount,
        };
        if (!_deliveries.Writer.TryWrite(delivery) && IsLive)
        {
            // It was on its way while the consumer was cancelled. Nobody waits for this answer.
            _ = delivery.SettleAsync(Settlement.Requeue).AsTask();
        }
    }

    internal void Ended(Exception? failure) => _deliveries.Writer.TryComplete(failure);

    private Task SettleAsync(long delivery, Settlement settlement, CancellationToken cancellationToken) =>
        IsLive ? process.CallAsync(new Call(0, Verb.Settle) { Delivery = delivery, Settlement = settlement }, cancellationToken) : Task.CompletedTask;

    private sealed class ProcessDelivery(ProcessConsumer consumer, long id) : Delivery
    {
        public override bool IsLive => consumer.IsLive;

        protected override async ValueTask SettleOnChannelAsync(Settlement settlement, CancellationToken cancellationToken)
        {
            try
            {
                await consumer.SettleAsync(id, settlement, cancellationToken);
            }
            catch (ObjectDisposedException) when (!consumer.IsLive)
            {
                // The process died meanwhile: as the port says, the settlement is dropped.
                return;
            }
        }
    }
}
