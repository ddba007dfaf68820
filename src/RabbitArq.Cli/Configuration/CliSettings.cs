using RabbitArq.Hosting.Settings;

namespace RabbitArq.Cli.Configuration;

/// <summary>What the command line says about settings.</summary>
/// <param name="ConfigPath">The configuration file; null: none.</param>
/// <param name="Given">Settings from options.</param>
internal sealed record CliSettings(string? ConfigPath, IReadOnlyList<GivenSetting> Given)
{
    /// <summary>Applies file, environment and command line to what code has left open.</summary>
    /// <exception cref="CliException">The file cannot be read.</exception>
    public ResolvedSettings Resolve(WorkerSettings worker)
    {
        var sources = new List<SettingsSource>();
        if (ConfigPath is not null)
        {
            sources.Add(SettingsFile.Read(ConfigPath));
        }

        sources.Add(EnvironmentSettings.Read());
        sources.Add(new SettingsSource(Given));
        var place = new SettingsPlace
        {
            Reach = SettingReach.CommandLineOnly,
            IsProduction = EnvironmentSettings.SaysProduction(),
            HasOwnBrokers = worker.Services.Any(service => service.ServiceType == typeof(Brokers.IBrokerFactory)),
        };
        return SettingsResolver.Resolve(worker, new ClientSettings(worker.Connection), sources, place);
    }
}
