using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using RabbitArq.Brokers;
using RabbitArq.Messages;
using RabbitArq.Results;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

/// <summary>What the tests of client and worker have in common: a client, workers, a queue, and looks at what was left behind.</summary>
public abstract class WorkerSuite : IAsyncLifetime
{
    private readonly List<TestWorker> _workers = [];
    private string? _queue;
    private JobClient? _client;

    /// <summary>Creates the suite for one broker and queue type.</summary>
    /// <param name="fixture">What opens it.</param>
    protected WorkerSuite(WorkerFixture fixture) => Fixture = fixture;

    protected static TimeSpan Moment { get; } = TimeSpan.FromMilliseconds(200);

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected WorkerFixture Fixture { get; }

    protected LogRecorder Log { get; } = new();

    protected MemoryResults Results { get; } = new();

    /// <summary>The test's queue.</summary>
    protected string Queue => _queue ??= Fixture.QueueName();

    protected JobClient Client => _client ?? throw new InvalidOperationException("Used before the test began.");

    protected IBroker Broker => Fixture.Broker;

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await Fixture.OpenAsync();
        _client = await JobClient.ConnectAsync(Fixture.Url, Configure, LoggerFactory.Create(log => log.SetMinimumLevel(LogLevel.Trace).AddProvider(Log)), cancellationToken: Cancel).Within();
    }

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }

        if (_client is { } client)
        {
            await client.DisposeAsync().Within();
        }

        await Fixture.DisposeAsync();
        if (Fixture.Password is { } password)
        {
            // O4: whatever the test was about, nothing that was logged on the way shows the password.
            Log.Lines.ShouldNotContain(line => line.Text.Contains(password));
        }
    }

    protected static JobRequest Job(string function, params object?[] args) => new(function) { Args = args };

    protected void Configure(ClientSettings settings)
    {
        settings.QueueName = Queue;
        settings.QueueType = Fixture.QueueType;
    }

    /// <summary>Settings of a worker of this test: its broker, its queue, its log, and waits that suit a test.</summary>
    protected WorkerSettings Settings(Action<WorkerSettings>? configure = null)
    {
        var settings = new WorkerSettings
        {
            Connection = { Url = Fixture.Url },
            QueueName = Queue,
            QueueType = Fixture.QueueType,
            HandleSignals = false,
            RetryBackoff = TimeSpan.FromMilliseconds(100),
            JobCompletionWait = TimeSpan.FromSeconds(20),
            LogLevel = LogLevel.Trace,
        };
        settings.Services.AddSingleton<ILoggerProvider>(Log);
        settings.Services.Configure<LoggerFilterOptions>(filter => filter.AddFilter<ConsoleLoggerProvider>(null, LogLevel.None));
        configure?.Invoke(settings);
        return settings;
    }

    protected void StoreResults(WorkerSettings settings)
    {
        settings.Services.AddSingleton<IResultStoreFactory>(Results);
        settings.ResultStoreUrl = MemoryResults.Url;
    }

    /// <summary>Starts a worker that runs until it is stopped, at the latest with the test.</summary>
    protected TestWorker Start(Action<WorkerSettings> configure)
    {
        var worker = new TestWorker(Settings(configure));
        _workers.Add(worker);
        return worker;
    }

    /// <summary>Runs a burst that also waits for retries, and gives its summary.</summary>
    protected async Task<WorkerSummary> BurstAsync(Action<WorkerSettings> configure)
    {
        var worker = Start(settings =>
        {
            settings.BurstMode = true;
            settings.BurstCountDelayed = true;
            settings.BurstCheckInterval = TimeSpan.FromMilliseconds(100);
            settings.BurstTimeout = TimeSpan.FromSeconds(100);
            configure(settings);
        });
        return await worker.Ended.Within(TimeSpan.FromSeconds(120));
    }

    protected Task DeclareAsync(string? queue = null) =>
        Broker.Topology.ApplyAsync(new JobQueue(queue ?? Queue) { Type = Fixture.QueueType }.ToPlan(), Cancel).Within();

    /// <summary>Sends a message that no client of ours would.</summary>
    protected async Task SendRawAsync(BrokerMessage message)
    {
        await DeclareAsync();
        await Broker.Publisher.PublishAsync(new PublishRequest(message, Queue), Cancel).Within();
    }

    protected Task SendRawAsync(string body) => SendRawAsync(new BrokerMessage { Body = Encoding.UTF8.GetBytes(body), ContentType = "application/json" });

    /// <summary>Takes the dead letters of the test's queue; each is acknowledged.</summary>
    protected async Task<IReadOnlyList<BrokerMessage>> DeadLettersAsync(int count, string? queue = null)
    {
        await using var consumer = await Broker.ConsumeAsync(new ConsumerSpec((queue ?? Queue) + ".dlq", 2000), Cancel).Within();
        var letters = new List<BrokerMessage>(count);
        while (letters.Count < count)
        {
            var delivery = await consumer.NextAsync();
            letters.Add(delivery.Message);
            await delivery.SettleAsync(Settlement.Ack, Cancel).Within();
        }

        return letters;
    }

    protected async Task<BrokerMessage> DeadLetterAsync() => (await DeadLettersAsync(1))[0];

    protected async Task<long> WaitingAsync(string? queue = null) =>
        (await Broker.Inspector.FindQueueAsync(queue ?? Queue, Cancel).Within())?.MessagesReady ?? -1;

    protected static string HeaderOf(BrokerMessage message, string name) =>
        message.Headers.TryGetValue(name, out var value) ? Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)! : "(missing)";

    /// <summary>A worker that runs.</summary>
    /// <remarks>Disposed by the test, which stops it there, and again after it, in case the test has failed before.</remarks>
    protected sealed class TestWorker : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();

        public TestWorker(WorkerSettings settings) => Ended = Task.Run(() => Worker.RunAsync(settings, _stop.Token));

        /// <summary>Ends with the worker.</summary>
        public Task<WorkerSummary> Ended { get; }

        /// <summary>Asks it to stop.</summary>
        public void Stop() => _stop.Cancel();

        /// <summary>Stops it and waits for its end.</summary>
        public async Task<WorkerSummary> StopAsync()
        {
            Stop();
            return await Ended.Within(TimeSpan.FromSeconds(60));
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();

            // A test that expects a failure has looked at it; one that does not has failed by now.
            await Ended.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(60));
        }
    }
}
