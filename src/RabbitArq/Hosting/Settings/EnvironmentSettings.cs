using System.Collections;
using RabbitArq.Localization;

namespace RabbitArq.Hosting.Settings;

/// <summary>
/// Settings from environment variables, in three spellings; where two name one setting, the first here wins: the short
/// name (<c>ARQ_MAX_RETRIES</c>), the key (<c>ARQ_WORKER_MAX_RETRIES</c>), .NET's form
/// (<c>RabbitArq__worker__max_retries</c>). An empty variable is as good as none.
/// </summary>
internal static class EnvironmentSettings
{
    private const string OwnPrefix = "ARQ_";
    private const string ServerPrefix = "RABBITMQ_";
    private const string DotNetPrefix = SettingsCatalog.SectionName + "__";

    public static SettingsSource Read() => Read(Environment.GetEnvironmentVariables());

    public static SettingsSource Read(IDictionary variables)
    {
        var byVariable = new Dictionary<string, (Setting Setting, int Rank)>(StringComparer.Ordinal);
        foreach (var setting in SettingsCatalog.All)
        {
            byVariable[setting.KeyVariable] = (setting, 1);
            foreach (var alias in setting.Aliases)
            {
                byVariable.TryAdd(OwnPrefix + alias.Replace('.', '_').ToUpperInvariant(), (setting, 1));
            }
        }

        foreach (var setting in SettingsCatalog.All.Where(setting => setting.Variable is not null))
        {
            byVariable[setting.Variable!] = (setting, 2);
        }

        var values = new List<(GivenSetting Given, int Rank)>();
        var warnings = new List<string>();
        foreach (DictionaryEntry variable in variables)
        {
            if (variable is not { Key: string name, Value: string { Length: > 0 } value })
            {
                continue;
            }

            var origin = new SettingOrigin(SettingLevel.Environment, name);
            if (byVariable.TryGetValue(name, out var known))
            {
                values.Add((new GivenSetting(known.Setting.Key, value, origin), known.Rank));
            }
            else if (name.StartsWith(DotNetPrefix, StringComparison.OrdinalIgnoreCase))
            {
                values.Add((new GivenSetting(name[DotNetPrefix.Length..].Replace("__", ".", StringComparison.Ordinal), value, origin), 0));
            }
            else if (Doubt(name, byVariable.Keys) is { } warning)
            {
                warnings.Add(warning);
            }
        }

        // A dictionary has no order of its own; the names give one, so that two runs read the same.
        return new SettingsSource([.. values.OrderBy(v => v.Rank).ThenBy(v => v.Given.Origin.Detail, StringComparer.Ordinal).Select(v => v.Given)])
        {
            Warnings = [.. warnings.Order(StringComparer.Ordinal)],
        };
    }

    /// <summary>Whether the environment itself says Production. Without a host, nothing said is not Production.</summary>
    public static bool SaysProduction() =>
        (Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") is { Length: > 0 } dotnet ? dotnet : Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT"))
        ?.Equals("Production", StringComparison.OrdinalIgnoreCase) == true;

    private static string? Doubt(string name, IEnumerable<string> known)
    {
        var origin = new SettingOrigin(SettingLevel.Environment, name).ToString();
        if (name.StartsWith(OwnPrefix, StringComparison.Ordinal) && name != Language.EnvironmentVariable)
        {
            return NearestName.Find(name, known.Append(Language.EnvironmentVariable)) is { } near
                ? Texts.SettingUnknownNearest(name, origin, near)
                : Texts.SettingUnknown(name, origin);
        }

        // The server has many variables of this prefix: only a clear slip of one of ours is worth a word.
        return name.StartsWith(ServerPrefix, StringComparison.Ordinal)
            && known.Where(k => k.StartsWith(ServerPrefix, StringComparison.Ordinal)).FirstOrDefault(k => NearestName.Distance(name, k) <= 2) is { } slip
                ? Texts.SettingUnknownNearest(name, origin, slip)
                : null;
    }
}
