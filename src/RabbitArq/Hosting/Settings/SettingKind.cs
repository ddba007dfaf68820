using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Localization;
using RabbitArq.Routing;

namespace RabbitArq.Hosting.Settings;

/// <summary>How values of one kind are read, checked and shown.</summary>
/// <param name="Parse">Reads a text; false: it cannot be read.</param>
/// <param name="IsAllowed">Whether a value is in range; asked of code's values too.</param>
/// <param name="Format">The value as a text that <paramref name="Parse"/> would read; null: none.</param>
/// <param name="Allowed">What is allowed, in words.</param>
internal sealed record SettingKind<T>(SettingKind<T>.Parser Parse, Func<T, bool> IsAllowed, Func<T, string?> Format, Func<string> Allowed)
{
    public delegate bool Parser(string text, out T value);
}

/// <summary>The kinds of values.</summary>
internal static class SettingKinds
{
    /// <summary>AMQP's limit of a short string, less room for <c>.dlq</c>.</summary>
    private const int LongestQueueName = 250;

    private static readonly (string Name, LogLevel Level)[] LogLevels =
    [
        ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("information", LogLevel.Information), ("warning", LogLevel.Warning),
        ("error", LogLevel.Error), ("critical", LogLevel.Critical), ("none", LogLevel.None),
        ("info", LogLevel.Information), ("warn", LogLevel.Warning), ("fatal", LogLevel.Critical),
    ];

    public static SettingKind<bool> Boolean { get; } = new(
        TryParseBoolean, _ => true, value => value ? "true" : "false", Texts.AllowedBoolean);

    public static SettingKind<string?> Text { get; } = new(
        TryParseText, value => value is null || !string.IsNullOrWhiteSpace(value), value => value, Texts.AllowedText);

    public static SettingKind<string> QueueName { get; } = new(TryParseText!, IsQueueName, value => value, () => Texts.AllowedQueueName(LongestQueueName));

    public static SettingKind<string?> OptionalQueueName { get; } = new(
        TryParseText, value => value is null || IsQueueName(value), value => value, () => Texts.AllowedQueueName(LongestQueueName));

    public static SettingKind<string> BrokerUrlKind { get; } = new(TryParseText!, HasScheme, value => BrokerUrl.Mask(value), Texts.AllowedBrokerUrl);

    public static SettingKind<string?> StoreUrl { get; } = new(
        TryParseText, value => value is null || HasScheme(value), value => BrokerUrl.Mask(value), Texts.AllowedStoreUrl);

    public static SettingKind<string?> ReadableFile { get; } = new(
        TryParseText, value => value is null || File.Exists(value), value => value, Texts.AllowedFile);

    public static SettingKind<QueueType> QueueTypeKind { get; } = new(
        (string text, out QueueType value) => TryParseChoice(text, [("quorum", QueueType.Quorum), ("classic", QueueType.Classic)], out value),
        Enum.IsDefined,
        value => value == QueueType.Classic ? "classic" : "quorum",
        () => Texts.AllowedChoice("quorum, classic"));

    public static SettingKind<LogLevel> LogLevelKind { get; } = new(
        (string text, out LogLevel value) => TryParseChoice(text, LogLevels, out value),
        Enum.IsDefined,
        value => LogLevels.First(level => level.Level == value).Name,
        () => Texts.AllowedChoice(string.Join(", ", LogLevels.Select(level => level.Name))));

    public static SettingKind<string> LogFormat { get; } = new(
        (string text, out string value) => TryParseChoice(text, [("text", "text"), ("json", "json")], out value!),
        value => value is "text" or "json",
        value => value,
        () => Texts.AllowedChoice("text, json"));

    public static SettingKind<int> Integer(int min, int max) => new(
        (string text, out int value) => int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value),
        value => value >= min && value <= max,
        value => value.ToString(CultureInfo.InvariantCulture),
        () => Texts.AllowedInteger(min, max));

    public static SettingKind<TimeSpan> Duration(TimeSpan min, TimeSpan max) => new(
        DurationText.TryParse,
        value => value >= min && value <= max,
        DurationText.Format,
        () => Texts.AllowedDuration(DurationText.Format(min), DurationText.Format(max)));

    /// <summary>A duration, or <c>never</c> for <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public static SettingKind<TimeSpan> DurationOrNever(TimeSpan min, TimeSpan max)
    {
        var duration = Duration(min, max);
        return new(
            (string text, out TimeSpan value) =>
            {
                value = Timeout.InfiniteTimeSpan;
                return text.Trim().Equals("never", StringComparison.OrdinalIgnoreCase) || duration.Parse(text, out value);
            },
            value => value == Timeout.InfiniteTimeSpan || duration.IsAllowed(value),
            value => value == Timeout.InfiniteTimeSpan ? "never" : duration.Format(value),
            () => Texts.AllowedDurationOrNever(DurationText.Format(min), DurationText.Format(max)));
    }

    public static bool IsQueueName(string name) =>
        !string.IsNullOrWhiteSpace(name) && Encoding.UTF8.GetByteCount(name) <= LongestQueueName && !name.StartsWith("amq.", StringComparison.Ordinal);

    private static bool HasScheme(string url) => !string.IsNullOrWhiteSpace(url) && url.IndexOf(':', StringComparison.Ordinal) > 0;

    private static bool TryParseText(string text, out string? value)
    {
        value = text;
        return true;
    }

    private static bool TryParseBoolean(string text, out bool value) => TryParseChoice(
        text,
        [("true", true), ("false", false), ("yes", true), ("no", false), ("on", true), ("off", false), ("1", true), ("0", false)],
        out value);

    private static bool TryParseChoice<T>(string text, (string Name, T Value)[] choices, out T value)
    {
        var found = Array.FindIndex(choices, choice => choice.Name.Equals(text.Trim(), StringComparison.OrdinalIgnoreCase));
        value = found < 0 ? default! : choices[found].Value;
        return found >= 0;
    }
}
