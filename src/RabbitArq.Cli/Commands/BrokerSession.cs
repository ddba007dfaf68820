using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Cli.Configuration;
using RabbitArq.Cli.Output;
using RabbitArq.Hosting;
using RabbitArq.Hosting.Settings;

namespace RabbitArq.Cli.Commands;

/// <summary>Settings, log and broker of a command that does one thing and ends.</summary>
internal sealed class BrokerSession : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private BrokerSession(ResolvedSettings settings, ServiceProvider services)
    {
        Settings = settings;
        _services = services;
    }

    public ResolvedSettings Settings { get; }

    public JobClient Client => _services.GetRequiredService<JobClient>();

    /// <exception cref="InvalidSettingsException">Settings are wrong.</exception>
    /// <exception cref="CliException">The configuration file or the log file cannot be used.</exception>
    public static BrokerSession Open(CliSettings given)
    {
        var settings = given.Resolve(new WorkerSettings());
        settings.ThrowIfInvalid();

        // A command that answers in a line needs no news about connections unless asked.
        var isLevelSet = settings.Origins[SettingsCatalog.Of("logging.level")].Level != SettingLevel.Default;
        var configureLog = CliLog.Create(settings.Worker, CliOutput.WriteErrorLine, isLevelSet ? null : LogLevel.Warning);
        var services = new ServiceCollection();
        services.AddLogging(configureLog);
        RabbitArqServices.AddClient(services, _ => settings);
        return new BrokerSession(settings, services.BuildServiceProvider());
    }

    public ValueTask<IBroker> ConnectAsync(CancellationToken cancellationToken) =>
        _services.GetRequiredService<BrokerSource>().GetAsync(cancellationToken);

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
