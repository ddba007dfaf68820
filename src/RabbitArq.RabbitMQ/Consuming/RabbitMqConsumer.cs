using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RabbitArq.RabbitMQ.Connecting;
using RabbitArq.RabbitMQ.Diagnostics;
using RabbitArq.RabbitMQ.Topology;

namespace RabbitArq.RabbitMQ.Consuming;

/// <summary>
/// Keeps one queue consumed for as long as it is wanted.
/// <code>
///  StartAsync ──► Consuming ──channel lost, cancelled by the broker──► Waiting ──► Consuming …
///                    │                                                   │
///                    └──────────────── CancelAsync ──► Cancelled ◄───────┘
/// </code>
/// <see cref="_session"/> is written by <see cref="StartAsync"/> before the loop runs and by the loop afterwards.
/// </summary>
internal sealed class RabbitMqConsumer : IBrokerConsumer
{
    /// <summary>
    /// A consume that meets a quorum queue in the middle of its deletion makes RabbitMQ 4.3 close the whole connection
    /// ("failed consuming from quorum queue", 541), and with it everybody's deliveries. Deletion takes some milliseconds.
    /// </summary>
    private static readonly TimeSpan AfterCancel = TimeSpan.FromMilliseconds(500);

    private readonly ConsumerSpec _spec;
    private readonly ConsumerOpener _opener;
    private readonly RabbitMqTopology _topology;
    private readonly ReconnectBackoff _backoff;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action<RabbitMqConsumer> _onDisposed;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _cancelGate = new();

    // Bounded by the prefetch count: the broker sends no more than that without settlements.
    private readonly Channel<Delivery> _deliveries = Channel.CreateUnbounded<Delivery>(new UnboundedChannelOptions { AllowSynchronousContinuations = false });

    private volatile ConsumerSession? _session;
    // Touched by the loop, and after its end by the disposal.
    private readonly List<ConsumerSession> _retired = [];
    private Task _loop = Task.CompletedTask;
    private Task? _cancelling;
    private int _disposed;

    public RabbitMqConsumer(
        ConsumerSpec spec, ConsumerOpener opener, RabbitMqTopology topology, ReconnectBackoff backoff, TimeSpan timeout, TimeProvider time, ILogger logger,
        Action<RabbitMqConsumer> onDisposed)
    {
        _spec = spec;
        _opener = opener;
        _topology = topology;
        _backoff = backoff;
        _timeout = timeout;
        _time = time;
        _logger = logger;
        _onDisposed = onDisposed;
    }

    public ChannelReader<Delivery> Deliveries => _deliveries.Reader;

    public bool IsConsuming => _session is { IsAlive: true, Ended.IsCompleted: false } && !_stop.IsCancellationRequested;

    /// <exception cref="BrokerException">The first subscription failed; nothing keeps running.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(_timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        _session = await _opener.OpenAsync(_spec, _deliveries.Writer, linked.Token, cancellationToken).ConfigureAwait(false);
        _loop = Task.Run(() => RunAsync(_stop.Token), CancellationToken.None);
    }

    public Task CancelAsync(CancellationToken cancellationToken = default) => EndAsync(closing: false).WaitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await EndAsync(closing: true).ConfigureAwait(false);
        if (_session is { } session)
        {
            await session.CloseAsync().ConfigureAwait(false);
        }

        await Task.WhenAll(_retired.Select(retired => retired.CloseAsync())).ConfigureAwait(false);

        _stop.Dispose();
        _onDisposed(this);
    }

    private Task EndAsync(bool closing)
    {
        lock (_cancelGate)
        {
            return _cancelling ??= Task.Run(() => EndOnceAsync(closing), CancellationToken.None);
        }
    }

    /// <param name="closing">
    /// Whether the channel is closed next. That hands back everything unsettled at once and in order; handing back the
    /// unread before would put them in front of those that were read. The cancel itself is needed all the same: quorum
    /// queues hold settlements back while many are under way, and lose them with the channel unless something is awaited.
    /// </param>
    private async Task EndOnceAsync(bool closing)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_session is { } session)
        {
            try
            {
                await session.CancelAsync(handBack: !closing, CancellationToken.None).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // A broker that does not answer a cancel does not hand anything back either; closing the channel does.
                Log.CancelTimedOut(_logger, _spec.QueueName, _timeout.TotalSeconds);
                await session.CloseAsync().ConfigureAwait(false);
            }
        }

        _deliveries.Writer.TryComplete();
        if (closing)
        {
            while (_deliveries.Reader.TryRead(out _))
            {
                // Dropped here; the end of the channel hands it back.
            }
        }
        else
        {
            await HandBackUnreadAsync().ConfigureAwait(false);
        }
    }

    private async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            var session = _session!;
            var (end, reason) = await session.Ended.WaitAsync(stop).ConfigureAwait(false);
            Log.ConsumerLost(_logger, _spec.QueueName, reason);
            await HandBackUnreadAsync().ConfigureAwait(false);
            await RetireAsync(session, end).ConfigureAwait(false);
            if (end == SessionEnd.CancelledByBroker)
            {
                await Task.Delay(AfterCancel, _time, stop).ConfigureAwait(false);
            }

            _session = await ReopenAsync(stop).ConfigureAwait(false);
            Log.ConsumerResumed(_logger, _spec.QueueName);
        }
    }

    /// <summary>
    /// A cancelled subscription leaves its channel alive, and jobs under way may still be acknowledged there: it is closed
    /// when the next one retires and nothing is unsettled any more, or with the consumer.
    /// </summary>
    private async Task RetireAsync(ConsumerSession session, SessionEnd end)
    {
        foreach (var before in _retired.Where(retired => !retired.IsAlive || retired.Unsettled == 0).ToList())
        {
            _retired.Remove(before);
            await before.CloseAsync().ConfigureAwait(false);
        }

        if (end == SessionEnd.CancelledByBroker && session.Unsettled > 0)
        {
            _retired.Add(session);
        }
        else
        {
            await session.CloseAsync().ConfigureAwait(false);
        }
    }

    private async Task<ConsumerSession> ReopenAsync(CancellationToken stop)
    {
        string? said = null;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _opener.FindAsync(_spec.QueueName, stop).ConfigureAwait(false);
                return await _opener.OpenAsync(_spec, _deliveries.Writer, stop, stop).ConfigureAwait(false);
            }
            catch (QueueNotFoundException e)
            {
                if (await TryRestoreQueueAsync(stop).ConfigureAwait(false))
                {
                    continue;
                }

                said = Say(said, e.Message);
            }
            catch (BrokerException e)
            {
                said = Say(said, e.Message);
            }

            await Task.Delay(_backoff.Before(attempt), _time, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Says a reason once, not at every attempt: a queue may stay away for days.</summary>
    private string Say(string? said, string reason)
    {
        if (said != reason)
        {
            Log.ConsumerWaits(_logger, _spec.QueueName, reason);
        }

        return reason;
    }

    private async Task<bool> TryRestoreQueueAsync(CancellationToken stop)
    {
        try
        {
            return await _topology.RestoreShortLivedAsync(_spec.QueueName, stop).ConfigureAwait(false);
        }
        catch (BrokerException e)
        {
            Log.ConsumerWaits(_logger, _spec.QueueName, e.Message);
            return false;
        }
    }

    /// <summary>Takes back what nobody has read: handed back to the broker where the channel lives, forgotten where it is dead.</summary>
    private async Task HandBackUnreadAsync()
    {
        while (_deliveries.Reader.TryRead(out var delivery))
        {
            await delivery.SettleAsync(Settlement.Requeue, CancellationToken.None).ConfigureAwait(false);
        }
    }
}
