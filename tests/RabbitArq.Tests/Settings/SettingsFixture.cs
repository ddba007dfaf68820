using System.Collections;
using RabbitArq.Hosting.Settings;

namespace RabbitArq.Tests.Settings;

/// <summary>Resolves settings from sources made up here: no file, no variable of this process.</summary>
internal static class SettingsFixture
{
    public static SettingsSource File(params (string Key, string Value)[] values) => At(SettingLevel.File, "arq.yaml, line 3", values);

    public static SettingsSource CommandLine(params (string Key, string Value)[] values) => At(SettingLevel.CommandLine, "--set", values);

    public static SettingsSource Variables(params (string Name, string Value)[] values) =>
        EnvironmentSettings.Read((IDictionary)values.ToDictionary(value => value.Name, value => value.Value));

    public static ResolvedSettings Resolve(params SettingsSource[] sources) => Resolve(new WorkerSettings(), sources);

    public static ResolvedSettings Resolve(WorkerSettings worker, params SettingsSource[] sources) =>
        Resolve(worker, new SettingsPlace { Reach = SettingReach.CommandLineOnly }, sources);

    public static ResolvedSettings Resolve(WorkerSettings worker, SettingsPlace place, params SettingsSource[] sources) =>
        SettingsResolver.Resolve(worker, new ClientSettings(worker.Connection), sources, place);

    public static SettingOrigin OriginOf(this ResolvedSettings resolved, string key) => resolved.Origins[SettingsCatalog.Of(key)];

    private static SettingsSource At(SettingLevel level, string detail, (string Key, string Value)[] values) =>
        new([.. values.Select(value => new GivenSetting(value.Key, value.Value, new SettingOrigin(level, detail)))]);
}
