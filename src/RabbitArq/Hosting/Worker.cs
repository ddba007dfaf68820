using RabbitArq.Brokers;
using RabbitArq.Hosting;

namespace RabbitArq;

/// <summary>Runs a worker without a host: for console programs, tests and the command line.</summary>
public static class Worker
{
    /// <summary>Runs a worker until it is stopped, or until its burst is over.</summary>
    /// <param name="settings">What the worker is. Environment variables fill in what code has not set.</param>
    /// <param name="stop">Stops it as SIGTERM does.</param>
    /// <returns>What it has done.</returns>
    /// <exception cref="InvalidSettingsException">Jobs or settings are wrong; the message lists every mistake.</exception>
    /// <exception cref="BrokerException">The broker could not be reached, or refused; the type and message say why and what to do.</exception>
    public static async Task<WorkerSummary> RunAsync(WorkerSettings settings, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var worker = new StandaloneWorker(settings);
        await using (worker.ConfigureAwait(false))
        {
            return await worker.RunAsync(stop).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a worker that a class describes.</summary>
    /// <typeparam name="TSettings">The class.</typeparam>
    /// <param name="stop">Stops it as SIGTERM does.</param>
    /// <returns>What it has done.</returns>
    public static Task<WorkerSummary> RunAsync<TSettings>(CancellationToken stop = default)
        where TSettings : WorkerSettings, new() => RunAsync(new TSettings(), stop);
}
