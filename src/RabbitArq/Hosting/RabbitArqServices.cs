using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Results;
using RabbitArq.Workers;

namespace RabbitArq.Hosting;

/// <summary>The services that a worker and its jobs use, in a host and without one.</summary>
internal static class RabbitArqServices
{
    /// <summary>Registers client and worker for resolved settings.</summary>
    public static void AddCore(IServiceCollection services, WorkerSettings settings)
    {
        AddClient(services, _ => ClientSettingsOf(settings));
        services.AddSingleton(settings);
        services.AddSingleton(provider => new JobWorker(
            settings,
            provider,
            provider.GetRequiredService<BrokerSource>(),
            provider.GetRequiredService<ResultStoreSource>(),
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
    }

    public static void AddClient(IServiceCollection services, Func<IServiceProvider, ClientSettings> settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(settings);
        services.TryAddSingleton(provider => new BrokerSource(
            provider.GetRequiredService<ClientSettings>().Connection,
            provider.GetServices<IBrokerFactory>(),
            "rabbitarq",
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(provider =>
        {
            var client = provider.GetRequiredService<ClientSettings>();
            return new ResultStoreSource(
                () => JobClient.StoreUrl(client), provider.GetServices<IResultStoreFactory>(), provider.GetRequiredService<TimeProvider>());
        });
        services.TryAddSingleton(provider => new JobClient(
            provider.GetRequiredService<ClientSettings>(),
            provider.GetRequiredService<BrokerSource>(),
            provider.GetRequiredService<ResultStoreSource>(),
            provider.GetRequiredService<TimeProvider>(),
            ownsBroker: false));
        services.TryAddSingleton<IJobClient>(provider => provider.GetRequiredService<JobClient>());
    }

    /// <summary>A worker's own client enqueues where the worker works.</summary>
    public static ClientSettings ClientSettingsOf(WorkerSettings worker)
    {
        var client = new ClientSettings(worker.Connection)
        {
            QueueName = worker.QueueName,
            QueueType = worker.QueueType,
            QueueMaxPriority = worker.QueueMaxPriority,
            ResultStoreUrl = worker.ResultStoreUrl,
            Json = worker.Json,
        };
        return client;
    }
}
