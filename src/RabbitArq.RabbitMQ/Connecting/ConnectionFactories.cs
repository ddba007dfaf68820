using RabbitMQ.Client;

namespace RabbitArq.RabbitMQ.Connecting;

/// <summary>Builds the client's connection factory from the options.</summary>
internal static class ConnectionFactories
{
    public static ConnectionFactory Create(BrokerOptions options, AmqpAddress address)
    {
        var timeout = address.ConnectionTimeout ?? options.ConnectionTimeout;
        return new ConnectionFactory
        {
            HostName = address.Host,
            Port = address.Port,
            VirtualHost = address.VirtualHost,
            UserName = address.UserName,
            Password = address.Password,
            // The supervisor reconnects and restores; two owners would fight over the same channels.
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            ConsumerDispatchConcurrency = 1,
            RequestedHeartbeat = address.Heartbeat ?? options.Heartbeat,
            RequestedConnectionTimeout = timeout,
            HandshakeContinuationTimeout = timeout,
            ContinuationTimeout = timeout,
            // The default of 64 MiB would kill the connection on a message that a server before 4.0 accepts.
            MaxInboundMessageBodySize = 512 * 1024 * 1024,
            Ssl = address.UsesTls ? TlsSetup.Create(address, options.Tls) : new SslOption(),
        };
    }
}
