using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace RabbitArq.Brokers;

/// <summary>Where the broker is and how to talk to it.</summary>
public sealed class BrokerOptions
{
    /// <summary>
    /// The broker's URL: <c>amqp://user:password@host:5672/vhost</c>, <c>amqps://…</c>, <c>sqlite:jobs.db</c> or
    /// <c>sqlite::memory:</c>. Percent-encode special characters of user, password and vhost. Never logged unmasked.
    /// </summary>
    public required string Url { get; init; }

    /// <summary>A name shown in the broker's own tools. Default: <c>rabbitarq</c>.</summary>
    public string ClientName { get; init; } = "rabbitarq";

    /// <summary>How long opening a connection, and each request on it, may take. Default: 30 s.</summary>
    public TimeSpan ConnectionTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a publish may wait for the broker's confirm, reconnecting included. Default: 30 s.</summary>
    public TimeSpan PublishTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>AMQP heartbeat interval. Default: 60 s. Ignored by the embedded broker.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>TLS for <c>amqps://</c>. Ignored otherwise.</summary>
    public TlsOptions Tls { get; init; } = new();

    /// <summary>Where the broker logs. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}

/// <summary>TLS settings of an <c>amqps://</c> connection. The server's certificate is verified unless switched off.</summary>
public sealed class TlsOptions
{
    /// <summary>A PEM file of the certificate authority that signed the server's certificate. Default: the system's store.</summary>
    public string? CaFile { get; set; }

    /// <summary>A PEM (or PKCS#12) file of the client's certificate. Default: none.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>A PEM file of the client certificate's private key. Default: in <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; set; }

    /// <summary>Whether the server's certificate and host name are verified. Default: true; switching it off logs a warning.</summary>
    public bool VerifyServer { get; set; } = true;

    /// <summary>The name expected in the server's certificate. Default: the URL's host.</summary>
    public string? ServerName { get; set; }
}
