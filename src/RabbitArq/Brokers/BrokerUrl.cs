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

        var query = url.IndexOf('?', StringComparison.Ordinal);
        var head = query < 0 ? url : url[..query];
        var at = head.LastIndexOf('@');
        if (at >= 0)
        {
            var start = head.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme && scheme < at ? scheme + 3 : 0;
            var colon = head.IndexOf(':', start, at - start);
            head = colon < 0 ? head[..start] + "***" + head[at..] : head[..(colon + 1)] + "***" + head[at..];
        }

        if (query < 0)
        {
            return head;
        }

        var pairs = url[(query + 1)..].Split('&')
            .Select(pair => pair.IndexOf('=', StringComparison.Ordinal) is >= 0 and var equals ? pair[..(equals + 1)] + "***" : pair);
        return head + "?" + string.Join('&', pairs);
    }
}
