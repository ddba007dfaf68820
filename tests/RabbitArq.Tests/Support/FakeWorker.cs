using Microsoft.Extensions.DependencyInjection;
using RabbitArq.Brokers;
using RabbitArq.Results;
using RabbitArq.Workers;

namespace RabbitArq.Tests.Support;

/// <summary>A worker over a <see cref="FakeBroker"/>.</summary>
internal sealed class FakeWorker : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly BrokerSource _brokers;
    private readonly CancellationTokenSource _stop = new();

    public FakeWorker(FakeBroker broker, Action<WorkerSettings> configure, TimeProvider? time = null)
    {
        var settings = new WorkerSettings { QueueName = "q", Connection = { Url = "fake:" }, EnableResultStorage = false };
        configure(settings);
        var clock = time ?? TimeProvider.System;
        _services = settings.Services.BuildServiceProvider();
        _brokers = new BrokerSource(settings.Connection, [new Factory(broker)], "test", Log, clock);
        Worker = new JobWorker(settings, _services, _brokers, new ResultStoreSource(() => null, [], clock), Log, clock);
    }

    public RecordingLog Log { get; } = new();

    public JobWorker Worker { get; }

    public Task<WorkerSummary> Ended { get; private set; } = Task.FromException<WorkerSummary>(new InvalidOperationException("Not started."));

    public FakeWorker Start()
    {
        Ended = Task.Run(() => Worker.RunAsync(_stop.Token));
        return this;
    }

    public async Task<FakeWorker> StartedAsync()
    {
        Start();
        await Worker.Started.Within();
        return this;
    }

    public void Stop() => _stop.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Worker.Abort();
        await Ended.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(30));
        Worker.Dispose();
        await _brokers.DisposeAsync();
        await _services.DisposeAsync();
        _stop.Dispose();
    }

    private sealed class Factory(FakeBroker broker) : IBrokerFactory
    {
        public IReadOnlyCollection<string> Schemes { get; } = ["fake"];

        public Task<IBroker> OpenAsync(BrokerOptions options, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Task.FromResult<IBroker>(broker);
        }
    }
}
