using Microsoft.Extensions.Logging;
using RabbitArq.RabbitMQ.Connecting;
using RabbitArq.RabbitMQ.Delays;
using RabbitArq.RabbitMQ.Diagnostics;
using RabbitArq.RabbitMQ.Wire;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace RabbitArq.RabbitMQ.Publishing;

/// <summary>
/// Publishes with confirms. Callers on any thread add to the backlog; one pump sends, as far as the window of outstanding
/// confirms allows; the client's read loop completes. After a loss the pump sends what was outstanding again, with the
/// same message ids, until each message's own deadline.
/// </summary>
internal sealed class RabbitMqPublisher : IBrokerPublisher, IAsyncDisposable
{
    /// <summary>
    /// A quorum queue confirms after its log is on disk, some milliseconds later: 50,000 a second need several hundred in
    /// flight, and ten times that keeps a slow moment of the disk from being felt.
    /// </summary>
    private const int WindowSize = 4096;

    /// <summary>RabbitMQ takes no larger message whatever its configuration.</summary>
    private const long AbsoluteLimit = 512L * 1024 * 1024;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan FlushPatience = TimeSpan.FromSeconds(5);

    private readonly Func<ConnectionSupervisor> _supervisor;
    private readonly Func<ServerFacts> _server;
    private readonly IDelayStrategy _delay;
    private readonly AmqpAddress _address;
    private readonly TimeSpan _timeout;
    private readonly long _timeoutTicks;
    private readonly TimeProvider _time;
    private readonly ReconnectBackoff _backoff;
    private readonly ILogger _logger;
    private readonly PublishBacklog _backlog = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _sweeper;
    private readonly Task _pump;

    // Written by the pump only.
    private volatile PublishWindow? _window;
    private long _learnedLimit;
    private int _disposed;

    /// <param name="supervisor">The connection to publish on; it may change when consumers start.</param>
    /// <param name="server">The server, known from the first connection.</param>
    /// <param name="delay">Where messages with a due time go.</param>
    /// <param name="address">For texts.</param>
    /// <param name="options">Time-outs, clock, logging.</param>
    /// <param name="backoff">Between attempts to open a channel on a live connection.</param>
    public RabbitMqPublisher(
        Func<ConnectionSupervisor> supervisor, Func<ServerFacts> server, IDelayStrategy delay, AmqpAddress address, BrokerOptions options, ReconnectBackoff backoff)
    {
        _supervisor = supervisor;
        _server = server;
        _delay = delay;
        _address = address;
        _timeout = options.PublishTimeout;
        _time = options.TimeProvider;
        _timeoutTicks = (long)(_timeout.TotalSeconds * _time.TimestampFrequency);
        _backoff = backoff;
        _logger = options.LoggerFactory.CreateLogger<RabbitMqPublisher>();
        _sweeper = _time.CreateTimer(static state => ((RabbitMqPublisher)state!).Sweep(), this, SweepInterval, SweepInterval);
        _pump = Task.Run(() => PumpAsync(_stop.Token));
    }

    /// <summary>The largest body that the broker is known to take.</summary>
    public long MaxBodyBytes => Volatile.Read(ref _learnedLimit) is > 0 and var learned ? learned : _server().DefaultMaxBodyBytes;

    public ValueTask PublishAsync(PublishRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (request.DueAt is not null && request.Exchange.Length > 0)
        {
            throw new ArgumentException(Localization.Texts.DueAtWithExchange(request.Exchange), nameof(request));
        }

        var size = request.Message.Body.Length;
        var limit = Volatile.Read(ref _learnedLimit) is > 0 and var learned ? learned : AbsoluteLimit;
        if (size > limit)
        {
            return ValueTask.FromException(PublishFailures.TooLarge(request, limit));
        }

        var message = new OutgoingMessage(request, _time.GetTimestamp() + _timeoutTicks)
        {
            // An administrator may have raised the limit, so the broker decides; the message goes alone, so that a refusal,
            // which closes the channel, hits nothing else.
            IsSuspect = size > _server().DefaultMaxBodyBytes,
        };
        message.CancelWith(cancellationToken);
        var task = message.Task;
        ObjectDisposedException.ThrowIf(!_backlog.Add(message), this);
        return task;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        var rest = _backlog.Close();
        if (_window is { } window)
        {
            await FlushAsync(window).ConfigureAwait(false);
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        // Closed before the pump is awaited, which may be in the middle of a send that a stuck connection does not take.
        await CloseWindowAsync().ConfigureAwait(false);
        await _pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await CloseWindowAsync().ConfigureAwait(false);
        await _sweeper.DisposeAsync().ConfigureAwait(false);

        foreach (var message in rest)
        {
            message.TryFail(PublishFailures.Disposed(message.Request, _address.Masked));
        }

        _stop.Dispose();
    }

    private Task CloseWindowAsync() => _window is { } window ? window.CloseAsync() : Task.CompletedTask;

    /// <summary>Gives what is outstanding a moment to be confirmed.</summary>
    private async Task FlushAsync(PublishWindow window)
    {
        using var patience = new CancellationTokenSource(FlushPatience, _time);
        while (!window.IsEmpty && !window.IsDead && !patience.IsCancellationRequested)
        {
            await window.WhenChangedAsync().WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task PumpAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await _backlog.WaitAsync(stop).ConfigureAwait(false);
                await SendBurstAsync(await ReadyWindowAsync(stop).ConfigureAwait(false), stop).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // Without its pump the publisher is dead: nothing may end it but its disposal.
            catch (Exception e) when (!stop.IsCancellationRequested)
#pragma warning restore CA1031
            {
                Log.PublishChannelFailed(_logger, _address.Masked, e.Message);
                await Task.Delay(_backoff.Before(1), _time, stop).ConfigureAwait(false);
            }
        }
    }

    private async Task SendBurstAsync(PublishWindow window, CancellationToken stop)
    {
        if (window.Link.BlockedReason is not null)
        {
            // Nothing more goes into a connection that the broker does not read. Deadlines run on; the sweeper says so.
            await window.Link.WhenUnblocked.WaitAsync(stop).ConfigureAwait(false);
            return;
        }

        var sent = 0;
        while (window.HasRoom(out var alone) && window.Link.BlockedReason is null && _backlog.TryTake(alone, out var message))
        {
            await SendAsync(window, message!, stop).ConfigureAwait(false);
            sent++;
        }

        if (sent == 0)
        {
            // Full, or the next one must go alone.
            await window.WhenChangedAsync().WaitAsync(stop).ConfigureAwait(false);
        }
    }

    private async ValueTask SendAsync(PublishWindow window, OutgoingMessage message, CancellationToken stop)
    {
        var request = message.Request;
        var (exchange, routingKey) = (request.Exchange, request.RoutingKey);
        if (request.DueAt is { } dueAt && dueAt - _time.GetUtcNow() is { } wait && wait > TimeSpan.Zero)
        {
            if (!_delay.IsPrepared(routingKey, wait))
            {
                // Declaring takes round trips: others must not wait for it.
                _ = PrepareDelayAsync(message, routingKey, wait, stop);
                return;
            }

            (exchange, routingKey) = _delay.Route(routingKey, wait);
        }

        message.SentExchange = exchange;
        message.SentRoutingKey = routingKey;
        message.ReturnText = null;
        try
        {
            var properties = AmqpProperties.ForPublish(request.Message);
            if (!await window.SendAsync(message, exchange, routingKey, request.Mandatory, properties).ConfigureAwait(false))
            {
                _backlog.PutBack([message]);
            }
        }
#pragma warning disable CA1031 // The client throws many types for what it cannot encode; the caller gets one.
        catch (Exception e)
#pragma warning restore CA1031
        {
            message.TryFail(PublishFailures.NotEncodable(request, e));
        }
    }

    private async Task PrepareDelayAsync(OutgoingMessage message, string queueName, TimeSpan wait, CancellationToken stop)
    {
        var left = _time.GetElapsedTime(_time.GetTimestamp(), message.Deadline);
        using var deadline = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stop);
        try
        {
            await _delay.PrepareAsync(queueName, wait, linked.Token).ConfigureAwait(false);
            if (!_backlog.Add(message))
            {
                message.TryFail(PublishFailures.Disposed(message.Request, _address.Masked));
            }
        }
        catch (QueueNotFoundException e)
        {
            message.TryFail(PublishFailures.Unroutable(message.Request, e.InnerException?.Message ?? e.Message));
        }
#pragma warning disable CA1031 // Every failure belongs to the caller, who awaits the message.
        catch (Exception e)
#pragma warning restore CA1031
        {
            message.TryFail(e is OperationCanceledException ? Expired(message) : e);
        }
    }

    /// <summary>The window on the connection that publishes go to now, opened where there is none.</summary>
    private async ValueTask<PublishWindow> ReadyWindowAsync(CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            var link = await _supervisor().GetAsync(stop).ConfigureAwait(false);
            if (_window is { IsDead: false } window)
            {
                if (window.Link == link)
                {
                    return window;
                }

                if (!window.IsEmpty)
                {
                    // Publishes move to a connection of their own when consumers start. Order is kept: first the rest here.
                    await window.WhenChangedAsync().WaitAsync(stop).ConfigureAwait(false);
                    continue;
                }

                await window.CloseAsync().ConfigureAwait(false);
            }

            try
            {
                using var timeout = new CancellationTokenSource(_supervisor().Timeout, _time);
                using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop, link.LostToken, timeout.Token);
                var opened = await PublishWindow.OpenAsync(link, WindowSize, OnWindowDied, deadline.Token)
                    .WaitAsync(deadline.Token).ConfigureAwait(false);
                _window = opened;
                return opened;
            }
#pragma warning disable CA1031 // Whatever went wrong, the next attempt is the answer; callers have their deadlines.
            catch (Exception e) when (!stop.IsCancellationRequested)
#pragma warning restore CA1031
            {
                Log.PublishChannelFailed(_logger, _address.Masked, e.Message);
                await Task.Delay(_backoff.Before(attempt), _time, stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Runs on the client's read loop or in the pump, once per window.</summary>
    private void OnWindowDied(PublishWindow window, IReadOnlyList<OutgoingMessage> left, ShutdownEventArgs? reason)
    {
        if (reason is { Initiator: ShutdownInitiator.Peer } && reason.ReplyCode != Constants.ConnectionForced)
        {
            Accuse(window, left, reason);
        }

        if (Volatile.Read(ref _disposed) != 0)
        {
            foreach (var message in left)
            {
                message.TryFail(PublishFailures.Disposed(message.Request, _address.Masked));
            }

            return;
        }

        var again = left.Where(message => !message.IsCompleted).ToList();
        if (reason is not null)
        {
            Log.PublishChannelLost(_logger, _address.Masked, reason.ReplyText, again.Count);
        }

        _backlog.PutBack(again);
    }

    /// <summary>The broker closed because of a publish, but does not say which. One alone is it; of several each goes alone next.</summary>
    private void Accuse(PublishWindow window, IReadOnlyList<OutgoingMessage> left, ShutdownEventArgs reason)
    {
        var wholeConnection = !window.Link.Connection.IsOpen;
        if (left.Count == 1 && (left[0].IsSuspect || !wholeConnection))
        {
            if (reason.ReplyCode == Constants.PreconditionFailed && PublishFailures.SizeLimit(reason.ReplyText) is { } limit)
            {
                Volatile.Write(ref _learnedLimit, limit);
            }

            left[0].TryFail(PublishFailures.FromClose(left[0].Request, reason, _address.UserName));
            return;
        }

        foreach (var message in left)
        {
            message.IsSuspect = true;
        }
    }

    private void Sweep()
    {
        var now = _time.GetTimestamp();
        foreach (var message in _backlog.TakeExpired(now) ?? [])
        {
            message.TryFail(Expired(message));
        }

        if (_window is { } window)
        {
            foreach (var message in window.TakeExpired(now) ?? [])
            {
                message.TryFail(Expired(message));
            }

            window.DropAbandoned(now);
        }
    }

    private BrokerException Expired(OutgoingMessage message)
    {
        var supervisor = _supervisor();
        var link = _window is { IsDead: false } window ? window.Link : supervisor.Current;
        return link?.BlockedReason is { } reason
            ? PublishFailures.Blocked(message.Request, _address.Masked, reason, _timeout, message.WasSent)
            : PublishFailures.Unconfirmed(message.Request, _address.Masked, _timeout, message.WasSent, link is null ? supervisor.LastFailure : null);
    }
}
