using Microsoft.Extensions.Logging;

namespace RabbitArq.Brokers;

/// <summary>
/// The one broker of an application, opened at first use and shared by its client and workers. An attempt to open that
/// fails is not remembered: the next use tries again.
/// </summary>
internal sealed class BrokerSource(
    ConnectionSettings settings, IEnumerable<IBrokerFactory> factories, string clientName, ILoggerFactory loggers, TimeProvider time) : IAsyncDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private IBroker? _broker;
    private bool _disposed;

    public ConnectionSettings Settings => settings;

    public async ValueTask<IBroker> GetAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _broker) is { } open)
        {
            return open;
        }

        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_broker is null)
            {
                Volatile.Write(ref _broker, await BrokerFactories.OpenAsync(Options(), factories, cancellationToken).ConfigureAwait(false));
            }

            return _broker!;
        }
        finally
        {
            _opening.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _opening.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            _disposed = true;
            if (_broker is { } broker)
            {
                _broker = null;
                await broker.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _opening.Release();
        }
    }

    private BrokerOptions Options() => new()
    {
        Url = settings.Url,
        ClientName = clientName,
        ConnectionTimeout = settings.ConnectionTimeout,
        PublishTimeout = settings.PublishTimeout,
        Heartbeat = settings.Heartbeat,
        Tls = new TlsOptions
        {
            CaFile = settings.TlsCaFile,
            CertificateFile = settings.TlsCertificateFile,
            KeyFile = settings.TlsKeyFile,
            VerifyServer = settings.TlsVerify,
        },
        LoggerFactory = loggers,
        TimeProvider = time,
    };
}
