using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using RabbitArq.RabbitMQ.Connecting;
using RabbitArq.RabbitMQ.Diagnostics;

namespace RabbitArq.RabbitMQ;

/// <summary>Opens RabbitMQ servers, 3.10 and later, by URLs of the schemes <c>amqp</c> and <c>amqps</c>.</summary>
public sealed class RabbitMqBrokerFactory : IBrokerFactory
{
    private readonly Random _random;

    /// <summary>Creates the factory. RabbitArq finds it by name; nothing needs to be registered.</summary>
    public RabbitMqBrokerFactory()
        : this(new Random(RandomNumberGenerator.GetInt32(int.MaxValue)))
    {
    }

    internal RabbitMqBrokerFactory(Random random) => _random = random;

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Schemes { get; } = ["amqp", "amqps"];

    /// <inheritdoc/>
    /// <exception cref="BrokerUrlException">The URL cannot be read.</exception>
    /// <exception cref="BrokerUnreachableException">Nobody listens, the name does not resolve, TLS failed, or the time was up.</exception>
    /// <exception cref="BrokerAuthenticationException">User name or password were refused.</exception>
    /// <exception cref="BrokerAccessException">The virtual host does not exist or is not open to the user.</exception>
    public async Task<IBroker> OpenAsync(BrokerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var address = AmqpAddress.Parse(options.Url);
        if (address.UsesTls && !options.Tls.VerifyServer)
        {
            Log.TlsUnverified(options.LoggerFactory.CreateLogger<RabbitMqBrokerFactory>(), address.Masked);
        }

        int seed;
        lock (_random)
        {
            seed = _random.Next();
        }

        var broker = new RabbitMqBroker(options, address, new Random(seed));
        try
        {
            await broker.OpenAsync(cancellationToken).ConfigureAwait(false);
            return broker;
        }
        catch
        {
            await broker.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
