using System.Globalization;
using System.Text;

namespace RabbitArq.RabbitMQ.Connecting;

/// <summary>What a server said of itself in the handshake, and what follows from its version.</summary>
internal sealed class ServerFacts
{
    private const long Mebibyte = 1024 * 1024;

    /// <summary>Before the first handshake: the smallest promises.</summary>
    public static ServerFacts Unknown { get; } = new("RabbitMQ", "");

    private ServerFacts(string product, string versionText)
    {
        Product = product;
        VersionText = versionText;
        var digits = new string([.. versionText.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')]).TrimEnd('.');
        Version = Version.TryParse(digits, out var version) ? version : new Version(0, 0);
    }

    public string Product { get; }

    public string VersionText { get; }

    public Version Version { get; }

    /// <summary>The default of <c>max_message_size</c>: 128 MiB before 4.0, 16 MiB since. An administrator may have changed it.</summary>
    public long DefaultMaxBodyBytes => Version.Major >= 4 ? 16 * Mebibyte : 128 * Mebibyte;

    /// <summary>Quorum queues know priorities since 4.0, without an argument at declaration.</summary>
    public bool QuorumQueuesKnowPriorities => Version.Major >= 4;

    /// <summary>The consumer argument <c>x-consumer-timeout</c> came with 3.12; older servers ignore it.</summary>
    public bool KnowsConsumerTimeoutArgument => Version >= new Version(3, 12);

    public static ServerFacts From(IDictionary<string, object?>? properties) =>
        new(TextOf(properties, "product") ?? "RabbitMQ", TextOf(properties, "version") ?? "");

    private static string? TextOf(IDictionary<string, object?>? properties, string key) =>
        properties is not null && properties.TryGetValue(key, out var value)
            ? value switch
            {
                byte[] bytes => Encoding.UTF8.GetString(bytes),
                null => null,
                _ => Convert.ToString(value, CultureInfo.InvariantCulture),
            }
            : null;
}
