using System.Diagnostics.CodeAnalysis;
using RabbitArq.Localization;

namespace RabbitArq.Brokers;

/// <summary>What can be said of a broker's URL without opening it.</summary>
public static class BrokerUrl
{
    /// <summary>The URL used when none is configured: the embedded broker on a file in the working directory.</summary>
    public const string Default = "sqlite:rabbitarq.db";

    /// <summary>The scheme, lower case, without the colon.</summary>
    /// <param name="url">The URL.</param>
    /// <returns>The scheme.</returns>
    /// <exception cref="BrokerUrlException">It is empty or has no scheme.</exception>
    public static string SchemeOf(string url)
    {
        if (string.IsNullOrWhiteSpace(url))
        {
            throw new BrokerUrlException(Texts.BrokerUrlEmpty());
        }

        var colon = url.IndexOf(':', StringComparison.Ordinal);
        return colon > 0
            ? url[..colon].ToLowerInvariant()
            : throw new BrokerUrlException(Texts.BrokerUrlUnreadable(Mask(url), Texts.BrokerUrlNoScheme()));
    }

    /// <summary>The URL with its password, and every query value that could be a secret, replaced by <c>***</c>.</summary>
    /// <param name="url">The URL.</param>
    /// <returns>A text that may be logged. Anything before an <c>@</c> that is not clearly a user name is hidden.</returns>
    [return: NotNullIfNotNull(nameof(url))]
    public static string? Mask(string? url)
    {
        if (string.IsNullOrEmpty(url))
        {
            return url;
        }

        // The last '@' of all, not of the part before the query: a password that was not percent-encoded may hold '?' and '#'.
        var at = url.LastIndexOf('@');
        var head = at < 0 ? "" : MaskUser(url[..at]);
        var tail = url[Math.Max(at, 0)..];
        var query = tail.IndexOf('?', StringComparison.Ordinal);
        if (query < 0)
        {
            return head + tail;
        }

        var pairs = tail[(query + 1)..].Split('&')
            .Select(pair => pair.IndexOf('=', StringComparison.Ordinal) is >= 0 and var equals ? pair[..(equals + 1)] + "***" : pair);
        return head + tail[..(query + 1)] + string.Join('&', pairs);
    }

    private static string MaskUser(string head)
    {
        // Only the first colon can end a scheme: a later "://" belongs to the password.
        var first = head.IndexOf(':', StringComparison.Ordinal);
        var start = first > 0 && head.AsSpan(first).StartsWith("://", StringComparison.Ordinal) ? first + 3 : 0;
        var colon = head.IndexOf(':', start);
        return (colon < 0 ? head[..start] : head[..(colon + 1)]) + "***";
    }
}
