using RabbitArq.Cli.Localization;
using RabbitArq.Hosting.Settings;

namespace RabbitArq.Cli.Configuration;

/// <summary>Reads a configuration file, YAML or JSON by its extension. Each value remembers its line.</summary>
internal static class SettingsFile
{
    /// <exception cref="CliException">It is missing, may not be read, or is no YAML or JSON.</exception>
    public static SettingsSource Read(string path)
    {
        var text = ReadText(path);
        var values = new List<GivenSetting>();
        void Add(string key, string value, int line) =>
            values.Add(new GivenSetting(WithoutRoot(key), value, new SettingOrigin(SettingLevel.File, Texts.FileLine(path, line))));
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".yaml" or ".yml":
                YamlSettings.Read(text, path, Add);
                break;
            case ".json":
                JsonSettings.Read(text, path, Add);
                break;
            default:
                throw new CliException(Texts.ConfigExtension(path), Texts.ConfigExtensionAdvice());
        }

        return new SettingsSource(values);
    }

    internal static CliException Unreadable(string path, long line, string reason) =>
        new(Texts.ConfigUnreadable(path, line, reason), Texts.ConfigUnreadableAdvice());

    /// <summary>An <c>appsettings.json</c> has everything under <c>RabbitArq</c>; a file of ours need not.</summary>
    private static string WithoutRoot(string key)
    {
        const string root = SettingsCatalog.SectionName + ".";
        return key.StartsWith(root, StringComparison.OrdinalIgnoreCase) ? key[root.Length..] : key;
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CliException(Texts.ConfigMissing(Path.GetFullPath(path)), Texts.ConfigMissingAdvice(), innerException: exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CliException(Texts.ConfigNotAllowed(path, exception.Message), Texts.ConfigNotAllowedAdvice(), innerException: exception);
        }
    }
}
