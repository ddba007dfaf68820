using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RabbitArq.Brokers;
using RabbitArq.Hosting.Settings;

namespace RabbitArq.Hosting;

/// <summary>Settings in a host: code, then environment variables, then the section <c>RabbitArq</c> of its configuration.</summary>
internal static class HostSettings
{
    public static ResolvedSettings Resolve(WorkerSettings worker, ClientSettings client, IServiceProvider provider, IConfiguration? configuration)
    {
        var place = new SettingsPlace
        {
            Reach = SettingReach.Everywhere,
            IsProduction = provider.GetService<IHostEnvironment>()?.IsProduction() ?? EnvironmentSettings.SaysProduction(),
            HasOwnBrokers = provider.GetServices<IBrokerFactory>().Any(),
        };
        var sources = new[] { ConfigurationSettings.Read(configuration ?? provider.GetService<IConfiguration>()), EnvironmentSettings.Read() };
        return SettingsResolver.Resolve(worker, client, sources, place);
    }
}

/// <summary>Keeps a host that only enqueues from starting with wrong settings, rather than failing at its first job.</summary>
internal sealed class SettingsCheckService(IServiceProvider provider) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        RabbitArqServices.Valid(provider);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
