using Microsoft.Extensions.Configuration;

namespace RabbitArq.Hosting.Settings;

/// <summary>
/// Settings from the section <c>RabbitArq</c> of a .NET configuration. Its values count as a file's, except those that the
/// configuration itself has from environment variables or from the command line: they count as such.
/// </summary>
internal static class ConfigurationSettings
{
    public static SettingsSource Read(IConfiguration? configuration)
    {
        if (configuration is null)
        {
            return new SettingsSource([]);
        }

        var providers = (configuration as IConfigurationRoot)?.Providers.Reverse().ToList() ?? [];
        var values = new List<GivenSetting>();
        foreach (var (path, value) in configuration.GetSection(SettingsCatalog.SectionName).AsEnumerable(makePathsRelative: true))
        {
            // An empty text is how a configuration takes back what a file below it has set.
            if (!string.IsNullOrEmpty(value))
            {
                var fullPath = ConfigurationPath.Combine(SettingsCatalog.SectionName, path);
                var provider = providers.FirstOrDefault(provider => provider.TryGet(fullPath, out _));
                values.Add(new GivenSetting(path.Replace(':', '.'), value, OriginOf(provider, fullPath)));
            }
        }

        return new SettingsSource([.. values.OrderBy(value => value.Key, StringComparer.Ordinal)]);
    }

    /// <summary>The packages of the providers are not referenced here, so they are known by name.</summary>
    private static SettingOrigin OriginOf(IConfigurationProvider? provider, string path) => provider?.GetType().Name switch
    {
        "CommandLineConfigurationProvider" => new SettingOrigin(SettingLevel.CommandLine, "--" + path),
        "EnvironmentVariablesConfigurationProvider" => new SettingOrigin(SettingLevel.Environment, path.Replace(":", "__", StringComparison.Ordinal)),
        null => new SettingOrigin(SettingLevel.File, path),

        // A file's provider calls itself: JsonConfigurationProvider for 'appsettings.json' (Optional).
        _ => new SettingOrigin(SettingLevel.File, provider.ToString()?.Split('\'') is [_, var file, ..] ? file : path),
    };
}
