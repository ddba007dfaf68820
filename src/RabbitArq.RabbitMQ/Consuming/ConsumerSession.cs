using System.Globalization;
using System.Threading.Channels;
using RabbitArq.RabbitMQ.Connecting;
using RabbitArq.RabbitMQ.Delays;
using RabbitArq.RabbitMQ.Localization;
using RabbitArq.RabbitMQ.Wire;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace RabbitArq.RabbitMQ.Consuming;

/// <summary>How a subscription ended.</summary>
internal enum SessionEnd
{
    /// <summary>The channel or its connection is gone; so are its unsettled deliveries, which the broker hands out again.</summary>
    ChannelLost,

    /// <summary>The broker cancelled the consumer (queue deleted, consumer timeout); the channel still takes settlements.</summary>
    CancelledByBroker,
}

/// <summary>
/// One subscription on one channel. It never comes back: after its end the consumer opens another. Members of
/// <see cref="IAsyncBasicConsumer"/> are called by the client, one after the other.
/// </summary>
internal sealed class ConsumerSession : IAsyncBasicConsumer
{
    private static readonly TimeSpan LongestCancel = TimeSpan.FromSeconds(10);

    /// <summary>So many settlements never wait in the channel: the server's <c>quorum_commands_soft_limit</c> is 32.</summary>
    private const int SurelyTaken = 24;

    private readonly IChannel _channel;
    private readonly ConsumerSpec _spec;
    private readonly ChannelWriter<Delivery> _deliveries;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<(SessionEnd End, string Reason)> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _alive = true;
    private volatile bool _handBack;
    private volatile bool _dropping;
    private volatile bool _finishedAfterCancel;
    private int _settledAfterCancel;
    private int _unsettled;
    private string _tag = "";

    private ConsumerSession(IChannel channel, ConsumerSpec spec, ChannelWriter<Delivery> deliveries, TimeSpan timeout, TimeProvider time)
    {
        _channel = channel;
        _spec = spec;
        _deliveries = deliveries;
        _timeout = timeout;
        _time = time;
    }

    public bool IsAlive => _alive;

    /// <summary>Deliveries handed out on this channel and not settled.</summary>
    public int Unsettled => Volatile.Read(ref _unsettled);

    /// <summary>Ends with the subscription.</summary>
    public Task<(SessionEnd End, string Reason)> Ended => _ended.Task;

    IChannel? IAsyncBasicConsumer.Channel => _channel;

    /// <summary>Subscribes.</summary>
    /// <exception cref="OperationInterruptedException">The broker refused.</exception>
    public static async Task<ConsumerSession> OpenAsync(
        BrokerLink link,
        ConsumerSpec spec,
        IDictionary<string, object?> arguments,
        ChannelWriter<Delivery> deliveries,
        TimeSpan timeout,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var options = new CreateChannelOptions(
            publisherConfirmationsEnabled: false, publisherConfirmationTrackingEnabled: false, consumerDispatchConcurrency: 1);
        var channel = await link.Connection.CreateChannelAsync(options, cancellationToken).ConfigureAwait(false);
        var session = new ConsumerSession(channel, spec, deliveries, timeout, time);
        try
        {
            channel.ChannelShutdownAsync += session.OnShutdownAsync;
            await channel.BasicQosAsync(0, (ushort)spec.PrefetchCount, global: false, cancellationToken).ConfigureAwait(false);
            session._tag = await channel.BasicConsumeAsync(
                spec.QueueName, autoAck: false, spec.Tag ?? "", noLocal: false, spec.Exclusive, arguments, session, cancellationToken)
                .ConfigureAwait(false);
            return session;
        }
        catch
        {
            await session.CloseAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Cancels the subscription and waits until every delivery that was under way has been handed back or over.
    /// </summary>
    /// <param name="handBack">Whether deliveries that still arrive are handed back one by one; else the channel's end does it.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="TimeoutException">The broker did not answer.</exception>
    public async Task CancelAsync(bool handBack, CancellationToken cancellationToken)
    {
        _dropping = !handBack;
        _handBack = true;
        if (!_alive || _ended.Task.IsCompleted)
        {
            return;
        }

        try
        {
            // A worker that ends has other things to do than to wait the whole time limit for a broker that is stuck.
            var longest = handBack ? LongestCancel : LongestCancel / 2;
            var patience = _timeout < longest ? _timeout : longest;
            await _channel.BasicCancelAsync(_tag, noWait: false, cancellationToken).WaitAsync(patience, _time, cancellationToken).ConfigureAwait(false);
            // The client queues deliveries and the answer for us in the broker's order, so this answer comes after the last delivery.
            await Task.WhenAny(_drained.Task, _ended.Task).WaitAsync(patience, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RabbitMQClientException or ObjectDisposedException or IOException)
        {
            // The channel died meanwhile: the broker has everything back.
            Die(e.Message);
        }
    }

    /// <summary>Closes the channel; the broker hands out again what is unsettled.</summary>
    public async Task CloseAsync()
    {
        if (_alive && _finishedAfterCancel && Volatile.Read(ref _settledAfterCancel) > SurelyTaken)
        {
            await WriteOutSettlementsAsync().ConfigureAwait(false);
        }

        Die("closed");
        await ChannelCloser.CloseAsync(_channel).ConfigureAwait(false);
    }

    /// <summary>
    /// A quorum queue takes a few dozen settlements at a time. Those that come faster wait in the channel, and a channel that
    /// is closed forgets them (rabbitmq-server issue 10327): finished jobs would run again. A cancel writes them out, but
    /// only while the channel knows a consumer. So there is one more for a moment, of a low priority; should it be given a
    /// message, the channel's end gives it back.
    /// </summary>
    private async Task WriteOutSettlementsAsync()
    {
        var patience = _timeout < LongestCancel ? _timeout : LongestCancel;
        using var deadline = new CancellationTokenSource(patience, _time);
        try
        {
            var arguments = new Dictionary<string, object?> { ["x-priority"] = -1000 };
            await _channel.BasicQosAsync(0, 1, global: false, deadline.Token).ConfigureAwait(false);
            var tag = await _channel.BasicConsumeAsync(
                _spec.QueueName, autoAck: false, "", noLocal: false, exclusive: false, arguments, new AsyncDefaultBasicConsumer(_channel), deadline.Token)
                .ConfigureAwait(false);
            await _channel.BasicCancelAsync(tag, noWait: false, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RabbitMQClientException or ObjectDisposedException or IOException or TimeoutException or OperationCanceledException)
        {
            // The queue or the channel is gone, or the broker is stuck: it hands out again what it does not know of.
            Die(e.Message);
        }
    }

    public async ValueTask SettleAsync(ulong tag, Settlement settlement, CancellationToken cancellationToken)
    {
        Interlocked.Decrement(ref _unsettled);
        if (!_alive)
        {
            return;
        }

        if (_handBack)
        {
            Interlocked.Increment(ref _settledAfterCancel);
            _finishedAfterCancel |= settlement != Settlement.Requeue;
        }

        try
        {
            // A frame without an answer: this ends when the frame is in the connection's outgoing buffer.
            var sent = settlement switch
            {
                Settlement.Ack => _channel.BasicAckAsync(tag, multiple: false, cancellationToken),
                Settlement.Requeue => _channel.BasicNackAsync(tag, multiple: false, requeue: true, cancellationToken),
                Settlement.Reject => _channel.BasicRejectAsync(tag, requeue: false, cancellationToken),
                _ => throw new ArgumentOutOfRangeException(nameof(settlement), settlement, null),
            };
            if (sent.IsCompletedSuccessfully)
            {
                return;
            }

            // The client's outgoing buffer is full; see to it that a channel that dies now does not keep the caller.
            var settled = sent.AsTask();
            await Task.WhenAny(settled, _ended.Task).WaitAsync(_timeout, _time, cancellationToken).ConfigureAwait(false);
            if (settled.IsCompleted)
            {
                await settled.ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is RabbitMQClientException or ObjectDisposedException or IOException or TimeoutException or ChannelClosedException)
        {
            // A dead or stuck channel: the broker delivers the message again.
            Die(e.Message);
        }
    }

    public Task HandleBasicDeliverAsync(
        string consumerTag,
        ulong deliveryTag,
        bool redelivered,
        string exchange,
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _unsettled);
        if (_dropping)
        {
            return Task.CompletedTask;
        }

        if (_handBack)
        {
            return SettleAsync(deliveryTag, Settlement.Requeue, cancellationToken).AsTask();
        }

        var message = AmqpProperties.FromDelivery(properties, body);
        // The exchange is the last one that a queue dead-lettered to, not the last one that the message passed.
        var cameFromLadder = LadderNames.IsOurs(exchange);
        var delivery = new RabbitMqDelivery(this, deliveryTag)
        {
            Message = message,
            QueueName = _spec.QueueName,
            Exchange = cameFromLadder ? "" : exchange,
            RoutingKey = cameFromLadder ? LadderNames.QueueOf(routingKey) : routingKey,
            Redelivered = redelivered,
            DeliveryCount = CountOf(message.Headers, redelivered),
        };
        return _deliveries.TryWrite(delivery) ? Task.CompletedTask : SettleAsync(deliveryTag, Settlement.Requeue, cancellationToken).AsTask();
    }

    public Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        _handBack = true;
        _ended.TrySetResult((SessionEnd.CancelledByBroker, Texts.ReasonCancelledByBroker(_spec.QueueName)));
        return Task.CompletedTask;
    }

    public Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        _drained.TrySetResult();
        return Task.CompletedTask;
    }

    public Task HandleBasicConsumeOkAsync(string consumerTag, CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason) => OnShutdownAsync(channel, reason);

    private static int CountOf(IReadOnlyDictionary<string, object?> headers, bool redelivered)
    {
        // Newer servers count every hand-out apart from failed ones; the larger number is the safer fuse.
        var count = Math.Max(NumberOf(headers, "x-delivery-count"), NumberOf(headers, "x-acquired-count"));
        return (int)Math.Clamp(count, redelivered ? 1 : 0, int.MaxValue);
    }

    private static long NumberOf(IReadOnlyDictionary<string, object?> headers, string name) =>
        headers.TryGetValue(name, out var value) && value is long number ? number : 0;

    private Task OnShutdownAsync(object sender, ShutdownEventArgs reason)
    {
        Die(string.Create(CultureInfo.InvariantCulture, $"{reason.ReplyCode} {reason.ReplyText}"));
        return Task.CompletedTask;
    }

    private void Die(string reason)
    {
        _alive = false;
        _handBack = true;
        _drained.TrySetResult();
        _ended.TrySetResult((SessionEnd.ChannelLost, reason));
    }
}
