using System.Globalization;
using RabbitArq.RabbitMQ.Localization;

namespace RabbitArq.RabbitMQ.Connecting;

/// <summary>A parsed <c>amqp://</c> or <c>amqps://</c> URL. A class, not a record: a printed record would show the password.</summary>
internal sealed class AmqpAddress
{
    public required string Host { get; init; }

    public required int Port { get; init; }

    public required string VirtualHost { get; init; }

    public required string UserName { get; init; }

    public required string Password { get; init; }

    public required bool UsesTls { get; init; }

    /// <summary>The URL without its password; the only form that texts may show.</summary>
    public required string Masked { get; init; }

    /// <summary>The <c>heartbeat</c> of the URL's query, which wins over <see cref="BrokerOptions.Heartbeat"/>.</summary>
    public TimeSpan? Heartbeat { get; init; }

    /// <summary>The <c>connection_timeout</c> of the URL's query, which wins over <see cref="BrokerOptions.ConnectionTimeout"/>.</summary>
    public TimeSpan? ConnectionTimeout { get; init; }

    public string HostAndPort => $"{Host}:{Port.ToString(CultureInfo.InvariantCulture)}";

    /// <exception cref="BrokerUrlException">The URL cannot be read.</exception>
    public static AmqpAddress Parse(string url)
    {
        var masked = BrokerUrl.Mask(url);
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || string.IsNullOrEmpty(uri.Host))
        {
            throw new BrokerUrlException(Texts.UrlUnreadable(masked, Texts.UrlNoHost()));
        }

        var usesTls = string.Equals(uri.Scheme, "amqps", StringComparison.OrdinalIgnoreCase);
        var path = uri.AbsolutePath.TrimStart('/');
        if (path.Contains('/', StringComparison.Ordinal))
        {
            throw new BrokerUrlException(Texts.UrlUnreadable(masked, Texts.UrlVhostHasSlash()));
        }

        var user = uri.UserInfo.Split(':', 2);
        TimeSpan? heartbeat = null;
        TimeSpan? timeout = null;
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var isNumber = long.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            switch (parts[0])
            {
                case "heartbeat" when isNumber:
                    heartbeat = TimeSpan.FromSeconds(number);
                    break;
                case "connection_timeout" when isNumber && number > 0:
                    timeout = TimeSpan.FromMilliseconds(number);
                    break;
                default:
                    throw new BrokerUrlException(Texts.UrlUnreadable(masked, Texts.UrlQueryUnknown(parts[0])));
            }
        }

        return new AmqpAddress
        {
            Host = uri.IdnHost.Trim('[', ']'),
            Port = uri.Port > 0 ? uri.Port : usesTls ? 5671 : 5672,
            // As most clients do, a bare trailing slash means the virtual host "/".
            VirtualHost = path.Length == 0 ? "/" : Uri.UnescapeDataString(path),
            UserName = user[0].Length == 0 ? "guest" : Uri.UnescapeDataString(user[0]),
            Password = user.Length < 2 ? "guest" : Uri.UnescapeDataString(user[1]),
            UsesTls = usesTls,
            Masked = masked,
            Heartbeat = heartbeat,
            ConnectionTimeout = timeout,
        };
    }
}
