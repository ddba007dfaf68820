using RabbitArq.Brokers;
using RabbitArq.Sqlite.Localization;

namespace RabbitArq.Sqlite.Storage;

/// <summary>
/// A <c>sqlite:</c> URL, read. <c>sqlite:jobs.db</c> and <c>sqlite:./jobs.db</c> are relative to the working directory,
/// <c>sqlite:/var/lib/jobs.db</c> and <c>sqlite:///var/lib/jobs.db</c> absolute, <c>sqlite::memory:</c> a broker in memory
/// that everybody in the process shares, <c>sqlite::memory:NAME</c> another such one. The only option is
/// <c>?synchronous=normal</c> (the default) or <c>full</c>. The path is taken as it stands: nothing is percent-decoded.
/// </summary>
internal sealed record StoreLocation(string? Path, string? MemoryName, bool SyncEachCommit)
{
    private const string Scheme = "sqlite:";
    private const string Memory = ":memory:";

    public bool IsMemory => MemoryName is not null;

    /// <summary>Written in canonical form, for texts and as the identity within the process.</summary>
    public string Url => IsMemory ? Scheme + Memory + MemoryName : Scheme + Path + (SyncEachCommit ? "?synchronous=full" : "");

    /// <summary>The path, or for a broker in memory its URL: what an error names.</summary>
    public string Display => Path ?? Url;

    public static StoreLocation Parse(string url)
    {
        if (!url.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw new BrokerUrlException(Texts.UrlSchemeWrong(BrokerUrl.Mask(url)));
        }

        var rest = url[Scheme.Length..];
        if (rest.StartsWith(Memory, StringComparison.OrdinalIgnoreCase))
        {
            return new StoreLocation(null, rest[Memory.Length..], false);
        }

        var query = rest.IndexOf('?', StringComparison.Ordinal);
        var full = query >= 0 && ReadOptions(url, rest[(query + 1)..]);
        var path = query < 0 ? rest : rest[..query];
        if (path.StartsWith("//", StringComparison.Ordinal))
        {
            // As in any URL: what stands between // and the next / would be a host.
            path = path.StartsWith("///", StringComparison.Ordinal) ? path[2..] : throw new BrokerUrlException(Texts.UrlHasHost(BrokerUrl.Mask(url)));
        }

        if (OperatingSystem.IsWindows() && path is ['/', _, ':', ..])
        {
            path = path[1..];
        }

        return string.IsNullOrWhiteSpace(path)
            ? throw new BrokerUrlException(Texts.UrlPathEmpty(BrokerUrl.Mask(url)))
            : new StoreLocation(System.IO.Path.GetFullPath(path), null, full);
    }

    private static bool ReadOptions(string url, string query)
    {
        var full = false;
        foreach (var option in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            full = option.ToUpperInvariant() switch
            {
                "SYNCHRONOUS=FULL" => true,
                "SYNCHRONOUS=NORMAL" => false,
                _ => throw new BrokerUrlException(Texts.UrlOptionUnknown(option.Split('=')[0], BrokerUrl.Mask(url))),
            };
        }

        return full;
    }
}
