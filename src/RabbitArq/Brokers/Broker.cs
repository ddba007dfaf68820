namespace RabbitArq.Brokers;

/// <summary>Opens a broker directly, for what jobs do not cover: looking into a queue, sending raw messages.</summary>
public static class Broker
{
    /// <summary>Opens the broker that the URL's scheme names; its package must be referenced.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The broker, connected. Dispose it at the end.</returns>
    /// <exception cref="BrokerException">It could not be reached, or refused; the type and message say why and what to do.</exception>
    public static Task<IBroker> OpenAsync(BrokerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return BrokerFactories.OpenAsync(options, [], cancellationToken);
    }

    /// <summary>Opens the broker at a URL with every default.</summary>
    /// <param name="url">The broker's URL.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The broker, connected. Dispose it at the end.</returns>
    /// <exception cref="BrokerException">It could not be reached, or refused; the type and message say why and what to do.</exception>
    public static Task<IBroker> OpenAsync(string url, CancellationToken cancellationToken = default) =>
        OpenAsync(new BrokerOptions { Url = url }, cancellationToken);
}
