using System.Globalization;
using RabbitArq.RabbitMQ.Connecting;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace RabbitArq.RabbitMQ.Publishing;

/// <summary>
/// One confirm-mode channel and what is outstanding on it. The pump alone sends, so the sequence number of a message is
/// the count of sends; confirms, returns and the end of the channel come on the client's read loop.
/// </summary>
/// <remarks>
/// The client's own confirm tracking is not used: it allocates and awaits per message, adds the header
/// <c>x-dotnet-pub-seq-no</c> to everything published, and lets its limiter sleep near the limit.
/// </remarks>
#pragma warning disable CA1001 // A token source without a timer holds nothing to dispose.
internal sealed class PublishWindow
#pragma warning restore CA1001
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, OutgoingMessage> _outstanding;
    private readonly IChannel _channel;
    private readonly int _limit;
    private readonly Action<PublishWindow, IReadOnlyList<OutgoingMessage>, ShutdownEventArgs?> _onDied;

    // Cancelled with the channel.
    private readonly CancellationTokenSource _end = new();
    private readonly CancellationToken _endToken;

    private ulong _next = 1;
    private ulong _lowest = 1;
    private bool _dead;
    private TaskCompletionSource? _change;
    private Task? _closing;

    private PublishWindow(
        IChannel channel, BrokerLink link, int limit, Action<PublishWindow, IReadOnlyList<OutgoingMessage>, ShutdownEventArgs?> onDied)
    {
        _channel = channel;
        Link = link;
        _limit = limit;
        _onDied = onDied;
        _outstanding = new Dictionary<ulong, OutgoingMessage>(limit);
        _endToken = _end.Token;
    }

    public BrokerLink Link { get; }

    public bool IsDead
    {
        get
        {
            lock (_gate)
            {
                return _dead;
            }
        }
    }

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _outstanding.Count == 0;
            }
        }
    }

    /// <param name="link">The connection.</param>
    /// <param name="limit">How many messages may be outstanding.</param>
    /// <param name="onDied">Gets, once, what was outstanding when the channel ended, and why (null: closed by us).</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<PublishWindow> OpenAsync(
        BrokerLink link, int limit, Action<PublishWindow, IReadOnlyList<OutgoingMessage>, ShutdownEventArgs?> onDied, CancellationToken cancellationToken)
    {
        var options = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false);
        var channel = await link.Connection.CreateChannelAsync(options, cancellationToken).ConfigureAwait(false);
        var window = new PublishWindow(channel, link, limit, onDied);
        channel.BasicAcksAsync += window.OnAckAsync;
        channel.BasicNacksAsync += window.OnNackAsync;
        channel.BasicReturnAsync += window.OnReturnAsync;
        channel.ChannelShutdownAsync += window.OnShutdownAsync;
        return window;
    }

    /// <summary>Whether another message may be sent; a suspect message and the others never share the window.</summary>
    /// <param name="alone">Whether the window is empty, so that a suspect may go.</param>
    public bool HasRoom(out bool alone)
    {
        lock (_gate)
        {
            alone = _outstanding.Count == 0;
            return !_dead && _outstanding.Count < _limit && !(_outstanding.Count == 1 && HoldsSuspect());
        }
    }

    /// <summary>Ends when the window has changed so that <see cref="HasRoom"/> is worth asking again.</summary>
    public Task WhenChangedAsync()
    {
        lock (_gate)
        {
            if (_dead || _outstanding.Count == 0)
            {
                return Task.CompletedTask;
            }

            _change ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _change.Task;
        }
    }

    /// <summary>
    /// Sends one message. Whatever fails, the message is either outstanding (and handed to the owner when the channel's
    /// end is seen) or the exception says that it was not sent.
    /// </summary>
    /// <returns>False when the channel is dead and the message was not sent.</returns>
    public async ValueTask<bool> SendAsync(
        OutgoingMessage message, string exchange, string routingKey, bool mandatory, BasicProperties properties)
    {
        ulong sequence;
        lock (_gate)
        {
            if (_dead)
            {
                return false;
            }

            sequence = _next++;
            _outstanding.Add(sequence, message);
        }

        message.WasSent = true;
        try
        {
            var sending = _channel.BasicPublishAsync(exchange, routingKey, mandatory, properties, message.Request.Message.Body, _endToken);
            if (!sending.IsCompletedSuccessfully)
            {
                // The client's outgoing buffer is full. It does not always let go of those that wait when the connection dies.
                await sending.AsTask().WaitAsync(_endToken).ConfigureAwait(false);
            }

            return true;
        }
        catch (Exception e) when (e is RabbitMQClientException or ObjectDisposedException or IOException or OperationCanceledException || !_channel.IsOpen)
        {
            // The end of the channel, seen here before its event: the message is outstanding and will be handed over.
            Die(null, closedByUs: false);
            return true;
        }
        catch
        {
            // The client could not encode it (for example a routing key above 255 bytes) and did not count it either.
            lock (_gate)
            {
                _outstanding.Remove(sequence);
                _next = sequence;
            }

            throw;
        }
    }

    /// <summary>Ends waiting for what is past its deadline. The broker's late answer then finds nobody.</summary>
    public List<OutgoingMessage>? TakeExpired(long now)
    {
        List<OutgoingMessage>? expired = null;
        lock (_gate)
        {
            foreach (var message in _outstanding.Values)
            {
                if (message.Deadline <= now && !message.IsCompleted)
                {
                    (expired ??= []).Add(message);
                }
            }
        }

        return expired;
    }

    /// <summary>Frees the places of messages that nobody waits for any more, so that lost answers cannot fill the window.</summary>
    public void DropAbandoned(long olderThan)
    {
        TaskCompletionSource? change = null;
        lock (_gate)
        {
            foreach (var (sequence, message) in _outstanding)
            {
                if (message.IsCompleted && message.Deadline <= olderThan)
                {
                    _outstanding.Remove(sequence);
                    change = TakeChange(force: true);
                }
            }
        }

        change?.TrySetResult();
    }

    /// <summary>Closes the channel; what is outstanding goes to the owner.</summary>
    public Task CloseAsync()
    {
        Die(null, closedByUs: true);
        lock (_gate)
        {
            return _closing ??= ChannelCloser.CloseAsync(_channel);
        }
    }

    /// <summary>Keeps <see cref="_lowest"/> at the oldest outstanding message, so that a search begins where something is.</summary>
    private void AdvanceLowest()
    {
        while (_lowest < _next && !_outstanding.ContainsKey(_lowest))
        {
            _lowest++;
        }
    }

    private bool HoldsSuspect()
    {
        foreach (var message in _outstanding.Values)
        {
            return message.IsSuspect;
        }

        return false;
    }

    private Task OnAckAsync(object sender, BasicAckEventArgs arguments)
    {
        Settle(arguments.DeliveryTag, arguments.Multiple, refused: false);
        return Task.CompletedTask;
    }

    private Task OnNackAsync(object sender, BasicNackEventArgs arguments)
    {
        Settle(arguments.DeliveryTag, arguments.Multiple, refused: true);
        return Task.CompletedTask;
    }

    private void Settle(ulong tag, bool multiple, bool refused)
    {
        OutgoingMessage? single = null;
        List<OutgoingMessage>? many = null;
        TaskCompletionSource? change;
        lock (_gate)
        {
            if (!multiple)
            {
                _outstanding.Remove(tag, out single);
                AdvanceLowest();
            }
            else
            {
                // Everything up to the tag is answered now, so no number is walked twice in the life of the channel.
                for (; _lowest <= tag; _lowest++)
                {
                    if (_outstanding.Remove(_lowest, out var message))
                    {
                        (many ??= []).Add(message);
                    }
                }
            }

            change = TakeChange(force: false);
        }

        if (single is not null)
        {
            Answer(single, refused);
        }

        if (many is not null)
        {
            foreach (var message in many)
            {
                Answer(message, refused);
            }
        }

        change?.TrySetResult();
    }

    private static void Answer(OutgoingMessage message, bool refused)
    {
        if (message.ReturnText is { } returned)
        {
            message.TryFail(PublishFailures.Unroutable(message.Request, returned));
        }
        else if (refused)
        {
            message.TryFail(PublishFailures.Refused(message.Request));
        }
        else
        {
            message.TrySucceed();
        }
    }

    /// <summary>
    /// A return names no sequence number. It comes before its confirm and in the order of publishing, so it belongs to the
    /// oldest outstanding message that is the same in everything that the return shows. Two that are the same in all of
    /// that are told apart by nobody.
    /// </summary>
    private Task OnReturnAsync(object sender, BasicReturnEventArgs arguments)
    {
        lock (_gate)
        {
            for (var sequence = _lowest; sequence < _next; sequence++)
            {
                if (_outstanding.TryGetValue(sequence, out var message) && message.ReturnText is null && IsSame(message, arguments))
                {
                    message.ReturnText = string.Create(CultureInfo.InvariantCulture, $"{arguments.ReplyCode} {arguments.ReplyText}");
                    break;
                }
            }
        }

        return Task.CompletedTask;
    }

    private static bool IsSame(OutgoingMessage message, BasicReturnEventArgs returned)
    {
        var sent = message.Request.Message;
        return message.SentRoutingKey == returned.RoutingKey
            && message.SentExchange == returned.Exchange
            && sent.MessageId == returned.BasicProperties.MessageId
            && sent.Body.Span.SequenceEqual(returned.Body.Span);
    }

    private Task OnShutdownAsync(object sender, ShutdownEventArgs arguments)
    {
        Die(arguments, closedByUs: false);
        return Task.CompletedTask;
    }

    private void Die(ShutdownEventArgs? reason, bool closedByUs)
    {
        List<OutgoingMessage> left;
        TaskCompletionSource? change;
        lock (_gate)
        {
            if (_dead)
            {
                return;
            }

            _dead = true;
            left = [.. _outstanding.OrderBy(pair => pair.Key).Select(pair => pair.Value)];
            _outstanding.Clear();
            change = TakeChange(force: true);
        }

        _onDied(this, left, closedByUs ? null : reason ?? _channel.CloseReason);
        change?.TrySetResult();
        // Not awaited: this may run on the client's read loop.
        _ = _end.CancelAsync();
    }

    /// <summary>Waking the pump for every single confirm would cost more than sending: it is woken at a quarter free.</summary>
    private TaskCompletionSource? TakeChange(bool force)
    {
        if (_change is null || !(force || _outstanding.Count == 0 || _outstanding.Count <= _limit - (_limit / 4)))
        {
            return null;
        }

        var change = _change;
        _change = null;
        return change;
    }
}
