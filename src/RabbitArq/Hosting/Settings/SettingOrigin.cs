using RabbitArq.Brokers;
using RabbitArq.Localization;

namespace RabbitArq.Hosting.Settings;

/// <summary>Where a value came from; a later one wins.</summary>
internal enum SettingLevel
{
    Default,
    File,
    Environment,
    CommandLine,
    Code,
}

/// <summary>Where a value came from, closely enough to find it.</summary>
/// <param name="Level">The level.</param>
/// <param name="Detail">File and line, variable, or option.</param>
internal sealed record SettingOrigin(SettingLevel Level, string Detail = "")
{
    public static SettingOrigin Default { get; } = new(SettingLevel.Default);

    public static SettingOrigin Code { get; } = new(SettingLevel.Code);

    /// <summary>In words.</summary>
    public override string ToString() => Level switch
    {
        SettingLevel.Default => Detail.Length == 0 ? Texts.OriginDefault() : Texts.OriginDerived(Detail),
        SettingLevel.File => Texts.OriginFile(Detail),
        SettingLevel.Environment => Texts.OriginEnvironment(Detail),
        SettingLevel.CommandLine => Texts.OriginCommandLine(Detail),
        _ => Texts.OriginCode(),
    };
}

/// <summary>One value as somebody wrote it.</summary>
/// <param name="Key">The key as written, with dots: <c>worker.max_retries</c>.</param>
/// <param name="Value">The text.</param>
/// <param name="Origin">Where it stands.</param>
internal sealed record GivenSetting(string Key, string Value, SettingOrigin Origin)
{
    /// <summary>The key for comparing: <c>MaxRetries</c>, <c>max-retries</c> and <c>max_retries</c> are the same.</summary>
    public string Path { get; } = Normalize(Key);

    /// <summary>The text for messages. A URL may stand where none belongs, so everything is masked.</summary>
    public string Shown => BrokerUrl.Mask(Value);

    public static string Normalize(string key) =>
        key.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
}

/// <summary>What one source says.</summary>
/// <param name="Values">Its values, in its own order; within a level, later wins.</param>
internal sealed record SettingsSource(IReadOnlyList<GivenSetting> Values)
{
    /// <summary>What in it cannot be read at all.</summary>
    public IReadOnlyList<string> Errors { get; init; } = [];

    /// <summary>What in it is ignored.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
