using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Hosting.Settings;
using RabbitArq.Jobs;
using RabbitArq.Results;
using RabbitArq.Workers;

namespace RabbitArq.Hosting;

/// <summary>The services that a worker and its jobs use, in a host and without one.</summary>
internal static class RabbitArqServices
{
    /// <summary>Registers the worker; its settings are resolved when they are first asked for.</summary>
    public static void AddWorker(IServiceCollection services, Func<IServiceProvider, ResolvedSettings> settings)
    {
        AddClient(services, settings);
        services.AddSingleton(provider =>
        {
            var resolved = provider.GetRequiredService<ResolvedSettings>();
            CheckAll(resolved, provider);
            return new JobWorker(
                resolved.Worker,
                provider,
                provider.GetRequiredService<BrokerSource>(),
                provider.GetRequiredService<ResultStoreSource>(),
                provider.GetRequiredService<ILoggerFactory>(),
                provider.GetRequiredService<TimeProvider>());
        });
    }

    /// <summary>Registers the client; its settings are resolved when they are first asked for.</summary>
    public static void AddClient(IServiceCollection services, Func<IServiceProvider, ResolvedSettings> settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(settings);
        services.TryAddSingleton(provider =>
        {
            var resolved = provider.GetRequiredService<ResolvedSettings>();
            resolved.Report(provider.GetRequiredService<ILoggerFactory>().CreateLogger("RabbitArq.Settings"));
            return new BrokerSource(
                resolved.Worker.Connection,
                provider.GetServices<IBrokerFactory>(),
                "rabbitarq",
                provider.GetRequiredService<ILoggerFactory>(),
                provider.GetRequiredService<TimeProvider>());
        });
        services.TryAddSingleton(provider =>
        {
            var client = provider.GetRequiredService<ResolvedSettings>().Client;
            return new ResultStoreSource(
                () => JobClient.StoreUrl(client), provider.GetServices<IResultStoreFactory>(), provider.GetRequiredService<TimeProvider>());
        });
        services.TryAddSingleton(provider => new JobClient(
            Valid(provider).Client,
            provider.GetRequiredService<BrokerSource>(),
            provider.GetRequiredService<ResultStoreSource>(),
            provider.GetRequiredService<TimeProvider>(),
            ownsBroker: false));
        services.TryAddSingleton<IJobClient>(provider => provider.GetRequiredService<JobClient>());
    }

    /// <summary>Mistakes in settings and in jobs, in one list.</summary>
    /// <exception cref="InvalidSettingsException">There are mistakes.</exception>
    public static void CheckAll(ResolvedSettings resolved, IServiceProvider provider)
    {
        var errors = resolved.Errors.ToList();
        JobRegistry.Build(resolved.Worker.Functions, provider, resolved.Worker.Json, errors);
        if (errors.Count > 0)
        {
            throw new InvalidSettingsException(errors);
        }
    }

    /// <exception cref="InvalidSettingsException">There are mistakes.</exception>
    public static ResolvedSettings Valid(IServiceProvider provider)
    {
        var resolved = provider.GetRequiredService<ResolvedSettings>();
        resolved.ThrowIfInvalid();
        return resolved;
    }
}
