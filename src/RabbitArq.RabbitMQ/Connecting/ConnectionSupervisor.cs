using Microsoft.Extensions.Logging;
using RabbitArq.RabbitMQ.Diagnostics;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace RabbitArq.RabbitMQ.Connecting;

/// <summary>
/// The only owner of one connection: opens it, notices its loss, opens it again for ever, and restores what must exist
/// before anyone gets to use the new one.
/// <code>
///            OpenAsync / Start                        restored
///  Closed ───────────────────► Connecting ──► Restoring ──────► Open
///    ▲   first attempt failed,   ▲    │ failed     │ lost         │ lost
///    └── the caller gets why ────┘    ▼            │              │
///                                  Waiting ◄───────┴──────────────┘
///                               (backoff, jitter)
///  any state ──DisposeAsync──► Disposed
/// </code>
/// <see cref="_ready"/> is written by <see cref="OpenAsync"/> before the loop runs and by the loop afterwards, by nobody else.
/// </summary>
/// <remarks>The watchdog (messages wait, none is delivered) belongs here too and reads what consumers report.</remarks>
internal sealed class ConnectionSupervisor : IAsyncDisposable
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongLife = TimeSpan.FromSeconds(10);

    private readonly string _name;
    private readonly AmqpAddress _address;
    private readonly ConnectionFactory _factory;
    private readonly TimeProvider _time;
    private readonly ReconnectBackoff _backoff;
    private readonly Func<BrokerLink, CancellationToken, Task> _restore;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _startGate = new();
    private volatile TaskCompletionSource<BrokerLink> _ready = NewReady();
    private volatile BrokerException? _lastFailure;
    private volatile ServerFacts _server = ServerFacts.Unknown;
    private Task _loop = Task.CompletedTask;
    private bool _started;
    private int _disposed;

    /// <param name="name">Shown in the broker's own tools.</param>
    /// <param name="address">Where.</param>
    /// <param name="options">How.</param>
    /// <param name="random">For the jitter.</param>
    /// <param name="restore">Makes the broker have what must exist; runs on each fresh connection before it is handed out.</param>
    public ConnectionSupervisor(
        string name, AmqpAddress address, BrokerOptions options, Random random, Func<BrokerLink, CancellationToken, Task> restore)
    {
        _name = name;
        _address = address;
        _factory = ConnectionFactories.Create(options, address);
        _time = options.TimeProvider;
        _backoff = new ReconnectBackoff(random, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(15));
        _restore = restore;
        _logger = options.LoggerFactory.CreateLogger<ConnectionSupervisor>();
        Timeout = _factory.RequestedConnectionTimeout;
    }

    /// <summary>How long an attempt, and a request on the connection, may take.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>Why the last attempt failed; null when the connection is open or was never tried.</summary>
    public BrokerException? LastFailure => _lastFailure;

    /// <summary>The server of the last connection.</summary>
    public ServerFacts Server => _server;

    /// <summary>The open connection; null while there is none.</summary>
    public BrokerLink? Current => _ready.Task is { IsCompletedSuccessfully: true } task && !task.Result.IsLost ? task.Result : null;

    /// <summary>Tries once, then keeps the connection up.</summary>
    /// <exception cref="BrokerException">The attempt failed; nothing keeps running.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        var link = await ConnectOnceAsync(cancellationToken).ConfigureAwait(false);
        _ready.SetResult(link);
        StartLoop(link);
    }

    /// <summary>Begins to connect in the background, for a connection that is first needed now.</summary>
    public void Start() => StartLoop(null);

    /// <summary>The open connection, waiting for it as long as the token allows.</summary>
    /// <exception cref="ObjectDisposedException">The broker was disposed.</exception>
    public async ValueTask<BrokerLink> GetAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var ready = _ready;
            var link = ready.Task.IsCompletedSuccessfully
                ? ready.Task.Result
                : await ready.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (!link.IsLost)
            {
                return link;
            }

            // The loop has not seen the loss yet; it replaces the source in a moment.
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            cancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var ready = _ready;
        if (ready.Task.IsCompletedSuccessfully)
        {
            await CloseAsync(ready.Task.Result.Connection).ConfigureAwait(false);
        }
        else
        {
            ready.TrySetException(new ObjectDisposedException(nameof(ConnectionSupervisor)));
            _ = ready.Task.Exception;
        }

        _stop.Dispose();
    }

    private static TaskCompletionSource<BrokerLink> NewReady() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void StartLoop(BrokerLink? link)
    {
        lock (_startGate)
        {
            if (!_started && Volatile.Read(ref _disposed) == 0)
            {
                _started = true;
                _loop = Task.Run(() => RunAsync(link, _stop.Token));
            }
        }
    }

    private async Task RunAsync(BrokerLink? link, CancellationToken stop)
    {
        // Losses in a row, of connections that did not live long: what kills each new one must not be met ten times a second.
        var losses = 0;
        while (!stop.IsCancellationRequested)
        {
            if (link is not null)
            {
                var since = _time.GetTimestamp();
                var reason = await link.Lost.WaitAsync(stop).ConfigureAwait(false);
                _ready = NewReady();
                losses = _time.GetElapsedTime(since) < LongLife ? losses + 1 : 1;
                Log.ConnectionLost(_logger, _name, _address.Masked, DescribeLoss(reason));
                _ = CloseAsync(link.Connection);
            }

            link = await ReconnectAsync(losses, stop).ConfigureAwait(false);
            _ready.SetResult(link);
        }
    }

    private async Task<BrokerLink> ReconnectAsync(int losses, CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (losses + attempt > 1)
            {
                await Task.Delay(_backoff.Before(Math.Max(1, losses + attempt - 1)), _time, stop).ConfigureAwait(false);
            }

            try
            {
                var link = await ConnectOnceAsync(stop).ConfigureAwait(false);
                await RestoreAsync(link, stop).ConfigureAwait(false);
                if (!link.IsLost)
                {
                    Log.ConnectionOpened(_logger, _name, _address.Masked, link.Server.VersionText, attempt);
                    return link;
                }
            }
            catch (BrokerException e)
            {
                _lastFailure = e;
                Log.ReconnectFailed(_logger, _name, _address.Masked, attempt, e.Message);
            }
        }
    }

    private async Task RestoreAsync(BrokerLink link, CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop, link.LostToken);
        try
        {
            await _restore(link, deadline.Token).WaitAsync(Timeout, _time, stop).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A refused declaration must not keep everything else from working; consumers of the queue keep trying.
        catch (Exception e) when (!stop.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.RestoreFailed(_logger, _name, e.Message);
        }
    }

    private async Task<BrokerLink> ConnectOnceAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var connecting = ConnectProvenAsync(linked.Token);
        try
        {
            var connection = await connecting.WaitAsync(linked.Token).ConfigureAwait(false);
            var link = new BrokerLink(
                connection,
                reason => Log.Blocked(_logger, _name, reason),
                () => Log.Unblocked(_logger, _name));
            _server = link.Server;
            _lastFailure = null;
            return link;
        }
        catch (Exception e)
        {
            if (!connecting.IsCompleted)
            {
                _ = CloseLateAsync(connecting);
            }

            if (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(e.Message, e, cancellationToken);
            }

            var failure = ConnectionFailure.Translate(e, _address, Timeout);
            _lastFailure = failure;
            throw failure;
        }
    }

    /// <summary>
    /// Connects and opens a channel as proof: the client does not wait for the answer to <c>connection.open</c>, so a refused
    /// virtual host would look like a connection that is lost a moment later, again and again.
    /// </summary>
    private async Task<IConnection> ConnectProvenAsync(CancellationToken cancellationToken)
    {
        var connection = await _factory.CreateConnectionAsync(_name, cancellationToken).ConfigureAwait(false);
        try
        {
            var proof = await connection.CreateChannelAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            await ChannelCloser.CloseAsync(proof).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await CloseAsync(connection).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>An attempt that nobody waits for any more must not leave a connection behind.</summary>
    private async Task CloseLateAsync(Task<IConnection> connecting)
    {
        await ((Task)connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (connecting.IsCompletedSuccessfully)
        {
            await CloseAsync(connecting.Result).ConfigureAwait(false);
        }
    }

    /// <summary>Never throws and never waits long: a blocked or dead connection does not answer.</summary>
    private async Task CloseAsync(IConnection connection)
    {
        try
        {
            await connection.CloseAsync(Constants.ReplySuccess, "Goodbye", CloseTimeout, abort: true, CancellationToken.None)
                .WaitAsync(CloseTimeout + TimeSpan.FromSeconds(1), _time).ConfigureAwait(false);
            await connection.DisposeAsync().AsTask().WaitAsync(CloseTimeout, _time).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever the client throws while closing, the connection is done with.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.CloseFailed(_logger, _name, e.GetType().Name + ": " + e.Message);
        }
    }

    private static string DescribeLoss(ShutdownEventArgs reason) =>
        reason.Initiator == ShutdownInitiator.Peer
            ? $"{reason.ReplyCode} {reason.ReplyText}"
            : reason.Exception?.Message is { Length: > 0 } message ? message : reason.ReplyText;
}
