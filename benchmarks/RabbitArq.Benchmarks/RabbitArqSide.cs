using Microsoft.Extensions.Logging;
using RabbitArq.Hosting;
using RabbitArq.Messages;

namespace RabbitArq.Benchmarks;

/// <summary>RabbitArq as an application uses it: one client, and one worker with a job that does nothing.</summary>
internal sealed class RabbitArqSide : IAsyncDisposable
{
    private const string JobName = "noop";

    /// <summary>The job's text argument; the other is its number.</summary>
    private const string Text = "a text of some length";

    private readonly BenchmarkSettings _settings;
    private readonly string _url;
    private readonly Queues _queues;
    private readonly JobClient _client;

    // What the running job reports to; set before each measurement.
    private volatile Action<int> _onJob = static _ => { };

    private RabbitArqSide(BenchmarkSettings settings, string url, Queues queues, JobClient client)
    {
        _settings = settings;
        _url = url;
        _queues = queues;
        _client = client;
    }

    public static async Task<RabbitArqSide> OpenAsync(BenchmarkSettings settings, string url, Queues queues, CancellationToken cancellationToken)
    {
        var client = await JobClient.ConnectAsync(
            url,
            configure =>
            {
                configure.QueueName = queues.Ours;
                configure.QueueType = settings.QueueType;
            },
            cancellationToken: cancellationToken);
        return new RabbitArqSide(settings, url, queues, client);
    }

    /// <summary>A message as the client publishes it, for the bare side to publish the same bytes.</summary>
    public BrokerMessage SampleMessage() => _client.Encode(Request(12_345)).Publish.Message;

    public async Task<Sample> EnqueueManyAsync(CancellationToken deadline)
    {
        await _queues.EmptyAsync(_queues.Ours, deadline);
        var started = WorkClock.Now;
        var report = await _client.EnqueueManyAsync(Enumerable.Range(0, _settings.Jobs).Select(Request), deadline);
        var sample = started.Since(_settings.Jobs);
        report.ThrowIfAnyFailed();
        await _queues.ExpectAsync(_queues.Ours, _settings.Jobs, "RabbitArq, EnqueueManyAsync", deadline);
        return sample;
    }

    public async Task<Sample> EnqueueConcurrentlyAsync(CancellationToken deadline)
    {
        await _queues.EmptyAsync(_queues.Ours, deadline);
        var next = -1;
        async Task CallAsync()
        {
            for (int i; (i = Interlocked.Increment(ref next)) < _settings.Jobs;)
            {
                await _client.EnqueueAsync(Request(i), deadline);
            }
        }

        var started = WorkClock.Now;
        await Task.WhenAll(Enumerable.Range(0, _settings.Callers).Select(_ => Task.Run(CallAsync, deadline)));
        var sample = started.Since(_settings.Jobs);
        await _queues.ExpectAsync(_queues.Ours, _settings.Jobs, "RabbitArq, EnqueueAsync", deadline);
        return sample;
    }

    /// <summary>Fills a queue; both sides drain what this has enqueued.</summary>
    public async Task PreloadAsync(string queueName, CancellationToken deadline)
    {
        await _queues.EmptyAsync(queueName, deadline);
        var options = new EnqueueOptions { QueueName = queueName };
        var report = await _client.EnqueueManyAsync(Enumerable.Range(0, _settings.Jobs).Select(i => Request(i) with { Options = options }), deadline);
        report.ThrowIfAnyFailed();
        await _queues.ExpectAsync(queueName, _settings.Jobs, "Preloading", deadline);
    }

    public async Task<Sample> DrainAsync(CancellationToken deadline)
    {
        await PreloadAsync(_queues.Ours, deadline);
        var line = new FinishLine(_settings.Jobs);
        _onJob = _ => line.Arrive();
        var sample = await WithWorkerAsync(() => line.RateAsync("RabbitArq", deadline), deadline);
        await _queues.ExpectAsync(_queues.Ours, 0, "RabbitArq, drained", deadline);
        return sample;
    }

    public async Task<Sample> LatencyAsync(CancellationToken deadline)
    {
        var latency = new LatencyRun(_settings.Jobs, _settings.Rate);
        _onJob = latency.Arrived;
        return await WithWorkerAsync(
            () => latency.RunAsync("RabbitArq", (number, token) => _client.EnqueueAsync(Request(number), token), deadline), deadline);
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static JobRequest Request(int number) => new(JobName) { Args = [Text, number] };

    private async Task<T> WithWorkerAsync<T>(Func<Task<T>> measure, CancellationToken deadline)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline);
        await using var worker = new StandaloneWorker(Worker(), static log => log.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        var running = worker.RunAsync(stop.Token);
        T result;
        try
        {
            await worker.Started.WaitAsync(deadline);
            result = await measure();
        }
        finally
        {
            await stop.CancelAsync();
            await ((Task)running).WaitAsync(TimeSpan.FromSeconds(30), CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var summary = await running;
        return summary.Failed + summary.Retried == 0
            ? result
            : throw new BenchmarkException($"RabbitArq: {summary.Failed} jobs failed and {summary.Retried} were retried; the log above says why.");
    }

    private WorkerSettings Worker()
    {
        var worker = new WorkerSettings
        {
            Connection = { Url = _url },
            QueueName = _queues.Ours,
            QueueType = _settings.QueueType,
            MaxConcurrentJobs = _settings.Concurrency,
            PrefetchCount = _settings.Prefetch,
            EnableResultStorage = false,
            HandleSignals = false,
            LogLevel = LogLevel.Warning,
        };
        if (_settings.SynchronousJob)
        {
            worker.Functions.Add(JobName, (string text, int number) => _onJob(number));
        }
        else
        {
            worker.Functions.Add(JobName, (string text, int number) =>
            {
                _onJob(number);
                return Task.CompletedTask;
            });
        }

        return worker;
    }
}
