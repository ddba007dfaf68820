using Microsoft.Extensions.Hosting;
using RabbitArq.Workers;

namespace RabbitArq.Hosting;

/// <summary>
/// Runs the worker with the host: a worker that cannot start keeps the host from starting, and a burst that is over stops
/// the host.
/// </summary>
internal sealed class WorkerService(JobWorker worker, IHostApplicationLifetime lifetime) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _running = RunAsync();
        try
        {
            await worker.Started.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // The host stops no service that did not start: the worker must be gone before its services are disposed.
            await _stop.CancelAsync().ConfigureAwait(false);
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);

        // The host's patience is over: cancel what runs. The worker's own limits end it soon after.
        using var abort = cancellationToken.UnsafeRegister(static state => ((JobWorker)state!).Abort(), worker);
        await _running.ConfigureAwait(false);
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync()
    {
        try
        {
            await worker.RunAsync(_stop.Token).ConfigureAwait(false);
        }
        finally
        {
            lifetime.StopApplication();
        }
    }
}
