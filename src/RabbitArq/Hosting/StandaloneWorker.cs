using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using RabbitArq.Diagnostics;
using RabbitArq.Workers;

namespace RabbitArq.Hosting;

/// <summary>A worker with services, log and signals of its own; the command line adds its log and its screen.</summary>
internal sealed class StandaloneWorker : IAsyncDisposable
{
    private readonly WorkerSettings _settings;
    private readonly ServiceProvider _services;
    private readonly ILogger _logger;
    private readonly JobWorker _worker;

    /// <param name="settings">What the worker is, resolved.</param>
    /// <param name="configureLogging">Where it logs; null: the console.</param>
    public StandaloneWorker(WorkerSettings settings, Action<ILoggingBuilder>? configureLogging = null)
    {
        _settings = settings;
        var services = new ServiceCollection();
        foreach (var service in settings.Services)
        {
            services.Add(service);
        }

        services.AddLogging(log =>
        {
            log.SetMinimumLevel(settings.LogLevel);
            (configureLogging ?? ConsoleLog)(log);
        });
        RabbitArqServices.AddCore(services, settings);
        _services = services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
        _logger = _services.GetRequiredService<ILoggerFactory>().CreateLogger("RabbitArq.Worker");
        _worker = _services.GetRequiredService<JobWorker>();
    }

    public WorkerProgress Progress => _worker.Progress;

    public Task Started => _worker.Started;

    public IServiceProvider Services => _services;

    /// <summary>Runs until stopped by token or signal, or until the burst is over.</summary>
    public async Task<WorkerSummary> RunAsync(CancellationToken stop)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var signals = 0;
        var ended = false;
        void OnSignal(PosixSignalContext signal)
        {
            // The lock: a signal may come while the worker ends, and must not touch what is disposed by then.
            signal.Cancel = true;
            lock (stopping)
            {
                if (ended)
                {
                    return;
                }

                if (++signals == 1)
                {
                    // Not here: what listens may take its time, and the second signal must get through.
                    _ = stopping.CancelAsync();
                }
                else
                {
                    _logger.SecondSignal(signal.Signal.ToString());
                    _worker.Abort();
                }
            }
        }

        using var terminate = _settings.HandleSignals ? PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal) : null;
        using var interrupt = _settings.HandleSignals ? PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal) : null;
        try
        {
            return await _worker.RunAsync(stopping.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (stopping)
            {
                ended = true;
            }
        }
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private void ConsoleLog(ILoggingBuilder log)
    {
        if (_settings.LogFormat == "json")
        {
            log.AddJsonConsole();
        }
        else
        {
            log.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
            });
        }
    }
}
