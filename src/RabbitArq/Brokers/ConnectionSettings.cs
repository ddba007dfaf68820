using RabbitArq.Brokers;

namespace RabbitArq;

/// <summary>Which broker, and how to reach it. Shared by the clients and workers of an application.</summary>
public sealed class ConnectionSettings : TrackedSettings
{
    /// <summary>
    /// The broker's URL: <c>amqp://user:password@host:5672/vhost</c>, <c>amqps://…</c>, <c>sqlite:jobs.db</c> or
    /// <c>sqlite::memory:</c>. Default: <c>sqlite:rabbitarq.db</c>, the embedded broker, with a log line that says so; in a
    /// Production environment a URL must be given. Keys: <c>RABBITMQ_URL</c>, <c>rabbitmq.url</c>.
    /// </summary>
    public string Url { get; set => Assign(ref field, value); } = BrokerUrl.Default;

    /// <summary>How long opening a connection, and each request on it, may take. Default: 30 s. Keys: <c>RABBITMQ_CONNECTION_TIMEOUT</c>, <c>rabbitmq.connection_timeout</c>.</summary>
    public TimeSpan ConnectionTimeout { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(30);

    /// <summary>How long a publish may wait for the broker's confirm, reconnecting included. Default: 30 s. Key: <c>rabbitmq.publish_timeout</c>.</summary>
    public TimeSpan PublishTimeout { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(30);

    /// <summary>AMQP heartbeat interval. Default: 60 s. Key: <c>rabbitmq.heartbeat</c>.</summary>
    public TimeSpan Heartbeat { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(60);

    /// <summary>PEM file of the authority that signed the server's certificate (<c>amqps</c>). Default: the system's store. Key: <c>rabbitmq.tls_ca_file</c>.</summary>
    public string? TlsCaFile { get; set => Assign(ref field, value); }

    /// <summary>PEM file of the client's certificate (<c>amqps</c>). Default: none. Key: <c>rabbitmq.tls_certificate_file</c>.</summary>
    public string? TlsCertificateFile { get; set => Assign(ref field, value); }

    /// <summary>PEM file of the client certificate's key (<c>amqps</c>). Default: in the certificate's file. Key: <c>rabbitmq.tls_key_file</c>.</summary>
    public string? TlsKeyFile { get; set => Assign(ref field, value); }

    /// <summary>Whether the server's certificate is verified (<c>amqps</c>). Default: true. Key: <c>rabbitmq.tls_verify</c>.</summary>
    public bool TlsVerify { get; set => Assign(ref field, value); } = true;
}
