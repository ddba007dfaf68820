using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RabbitArq;
using RabbitArq.Hosting;
using RabbitArq.Hosting.Settings;

namespace RabbitArq
{
    /// <summary>Sets up RabbitArq in a host: the broker, the client, and the worker if this process works.</summary>
    public sealed class RabbitArqBuilder
    {
        internal RabbitArqBuilder(IServiceCollection services)
        {
            Services = services;
            Client = new ClientSettings(Worker.Connection);
        }

        /// <summary>The host's services.</summary>
        public IServiceCollection Services { get; }

        /// <summary>The broker. What is set here wins over configuration and environment.</summary>
        public ConnectionSettings Connection => Worker.Connection;

        /// <summary>How this application enqueues. Its queue is the worker's unless set here.</summary>
        public ClientSettings Client { get; }

        internal WorkerSettings Worker { get; } = new();

        internal bool HasWorker { get; private set; }

        /// <summary>Makes this process a worker.</summary>
        /// <param name="configure">Adds jobs and sets limits.</param>
        /// <returns>This.</returns>
        public RabbitArqBuilder AddWorker(Action<WorkerSettings> configure)
        {
            ArgumentNullException.ThrowIfNull(configure);
            HasWorker = true;
            configure(Worker);
            return this;
        }
    }
}

namespace Microsoft.Extensions.DependencyInjection
{
    /// <summary>Adds RabbitArq to a host.</summary>
    public static class RabbitArqServiceCollectionExtensions
    {
        /// <summary>
        /// Adds RabbitArq: <see cref="IJobClient"/> for enqueuing and, with <see cref="RabbitArqBuilder.AddWorker"/>, a worker
        /// that runs with the host. What code does not set comes from environment variables, else from the section
        /// <c>RabbitArq</c> of the configuration; mistakes keep the host from starting.
        /// </summary>
        /// <param name="builder">The host's builder.</param>
        /// <param name="configure">Sets up broker, client and worker.</param>
        /// <returns>The builder.</returns>
        public static IHostApplicationBuilder AddRabbitArq(this IHostApplicationBuilder builder, Action<RabbitArqBuilder>? configure = null)
        {
            ArgumentNullException.ThrowIfNull(builder);
            builder.Services.AddRabbitArq(configure, builder.Configuration);
            return builder;
        }

        /// <summary>Adds RabbitArq to services; see the overload for a host's builder.</summary>
        /// <param name="services">The services.</param>
        /// <param name="configure">Sets up broker, client and worker.</param>
        /// <param name="configuration">Has the section <c>RabbitArq</c>. Default: the <see cref="IConfiguration"/> among the services, if there is one.</param>
        /// <returns>The services.</returns>
        public static IServiceCollection AddRabbitArq(
            this IServiceCollection services, Action<RabbitArqBuilder>? configure = null, IConfiguration? configuration = null)
        {
            ArgumentNullException.ThrowIfNull(services);
            services.AddLogging();
            var builder = new RabbitArqBuilder(services);
            configure?.Invoke(builder);
            Func<IServiceProvider, ResolvedSettings> resolve = provider => HostSettings.Resolve(builder.Worker, builder.Client, provider, configuration);
            if (builder.HasWorker)
            {
                RabbitArqServices.AddWorker(services, resolve);
                services.AddHostedService<WorkerService>();
            }
            else
            {
                RabbitArqServices.AddClient(services, resolve);
                services.AddHostedService<SettingsCheckService>();
            }

            return services;
        }
    }
}
