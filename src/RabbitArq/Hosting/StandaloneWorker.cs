using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using RabbitArq.Diagnostics;
using RabbitArq.Hosting.Settings;
using RabbitArq.Workers;

namespace RabbitArq.Hosting;

/// <summary>A worker with services, log and signals of its own; the command line adds its log and its screen.</summary>
internal sealed class StandaloneWorker : IAsyncDisposable
{
    private readonly ResolvedSettings _resolved;
    private readonly WorkerSettings _settings;
    private readonly ServiceProvider _services;
    private readonly ILogger _logger;
    private readonly JobWorker _worker;

    /// <param name="settings">What the worker is; the environment fills in what code has not set.</param>
    /// <param name="configureLogging">Where it logs; null: the console.</param>
    public StandaloneWorker(WorkerSettings settings, Action<ILoggingBuilder>? configureLogging = null)
        : this(SettingsResolver.FromEnvironment(settings), configureLogging)
    {
    }

    /// <param name="resolved">What the worker is.</param>
    /// <param name="configureLogging">Where it logs; null: the console.</param>
    /// <exception cref="InvalidSettingsException">Jobs or settings are wrong.</exception>
    public StandaloneWorker(ResolvedSettings resolved, Action<ILoggingBuilder>? configureLogging = null)
    {
        _resolved = resolved;
        var settings = _settings = resolved.Worker;
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
        RabbitArqServices.AddWorker(services, _ => resolved);
        _services = services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
        try
        {
            _logger = _services.GetRequiredService<ILoggerFactory>().CreateLogger("RabbitArq.Worker");
            _worker = _services.GetRequiredService<JobWorker>();
        }
        catch
        {
            _services.Dispose();
            throw;
        }
    }

    public WorkerProgress Progress => _worker.Progress;

    public Task Started => _worker.Started;

    /// <summary>The signal that has stopped it; null: none.</summary>
    public string? StopSignal { get; private set; }

    public IServiceProvider Services => _services;

    /// <summary>Runs until stopped by token or signal, or until the burst is over.</summary>
    public async Task<WorkerSummary> RunAsync(CancellationToken stop)
    {
        _resolved.Report(_logger);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var signals = 0;
        var ended = false;
        void OnSignal(PosixSignalContext signal)
        {
            // The lock: a signal may come while the worker ends, and must not touch what is disposed by then.
            lock (stopping)
            {
                signals++;

                // The third is left to the system, which ends the process: nobody should need SIGKILL.
                signal.Cancel = signals <= 2;
                if (ended || signals > 2)
                {
                    return;
                }

                if (signals == 1)
                {
                    // Not here: what listens may take its time, and the second signal must get through.
                    StopSignal = signal.Signal.ToString();
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
