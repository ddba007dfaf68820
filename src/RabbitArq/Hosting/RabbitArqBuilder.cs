using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RabbitArq;
using RabbitArq.Hosting;

namespace RabbitArq
{
    /// <summary>Sets up RabbitArq in a host: the broker, the client, and the worker if this process works.</summary>
    public sealed class RabbitArqBuilder
    {
        internal RabbitArqBuilder(IServiceCollection services) => Services = services;

        /// <summary>The host's services.</summary>
        public IServiceCollection Services { get; }

        /// <summary>The broker. What is set here wins over configuration and environment.</summary>
        public ConnectionSettings Connection => Worker.Connection;

        /// <summary>How this application enqueues.</summary>
        public ClientSettings Client { get; private set; } = null!;

        internal WorkerSettings Worker { get; private set; } = new();

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

        internal void Prepare() => Client = new ClientSettings(Worker.Connection);
    }
}

namespace Microsoft.Extensions.DependencyInjection
{
    /// <summary>Adds RabbitArq to a host.</summary>
    public static class RabbitArqServiceCollectionExtensions
    {
        /// <summary>
        /// Adds RabbitArq: <see cref="IJobClient"/> for enqueuing and, with <see cref="RabbitArqBuilder.AddWorker"/>, a worker
        /// that runs with the host. The broker comes from <c>RABBITMQ_URL</c> or the section <c>RabbitArq</c> of the
        /// configuration unless code sets it.
        /// </summary>
        /// <param name="builder">The host's builder.</param>
        /// <param name="configure">Sets up broker, client and worker.</param>
        /// <returns>The builder.</returns>
        public static IHostApplicationBuilder AddRabbitArq(this IHostApplicationBuilder builder, Action<RabbitArqBuilder>? configure = null)
        {
            ArgumentNullException.ThrowIfNull(builder);
            builder.Services.AddRabbitArq(configure);
            return builder;
        }

        /// <summary>Adds RabbitArq to services; see the overload for a host's builder.</summary>
        /// <param name="services">The services.</param>
        /// <param name="configure">Sets up broker, client and worker.</param>
        /// <returns>The services.</returns>
        public static IServiceCollection AddRabbitArq(this IServiceCollection services, Action<RabbitArqBuilder>? configure = null)
        {
            ArgumentNullException.ThrowIfNull(services);
            services.AddLogging();
            var builder = new RabbitArqBuilder(services);
            builder.Prepare();
            configure?.Invoke(builder);
            RabbitArqServices.AddClient(services, _ => builder.Client);
            if (builder.HasWorker)
            {
                RabbitArqServices.AddCore(services, builder.Worker);
                services.AddHostedService<WorkerService>();
            }

            return services;
        }
    }
}
