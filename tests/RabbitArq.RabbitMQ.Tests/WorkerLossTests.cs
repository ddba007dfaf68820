using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using RabbitArq.Conformance;
using RabbitArq.Conformance.Workers;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>A worker whose broker goes away and comes back.</summary>
public sealed class WorkerLossTests : IAsyncLifetime
{
    private readonly RabbitMqWorkerFixture _fixture = new(TestServer.V43, QueueType.Quorum);
    private readonly LogRecorder _log = new();
    private readonly CancellationTokenSource _stop = new();
    private TcpProxy? _proxy;
    private string _queue = "";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private TcpProxy Proxy => _proxy ?? throw new InvalidOperationException("Used before the test began.");

    public async ValueTask InitializeAsync()
    {
        await _fixture.OpenAsync();
        _proxy = new TcpProxy(_fixture.Url);
        _queue = _fixture.QueueName();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Proxy.DisposeAsync();
        await _fixture.DisposeAsync();
        _stop.Dispose();
        _log.Lines.ShouldNotContain(line => line.Text.Contains(_fixture.Password!));
    }

    [Fact]
    public async Task A_worker_goes_on_after_cut_connections_and_no_job_is_lost_or_counted_as_an_attempt()
    {
        const int Count = 300;
        var (runs, attempts) = (new ConcurrentDictionary<int, int>(), new ConcurrentDictionary<int, byte>());
        await EnqueueAsync(Count);
        var worker = Start(settings => settings.Functions.Add("run", async (int number, JobContext context, CancellationToken cancellation) =>
        {
            await Task.Delay(10, cancellation);
            attempts[context.Attempt] = 0;
            runs.AddOrUpdate(number, 1, (_, count) => count + 1);
        }));

        foreach (var reached in new[] { 20, 100, 200 })
        {
            await Deadline.Until(() => Task.FromResult(runs.Count), count => count >= reached);
            Proxy.Cut();
        }

        await Deadline.Until(() => Task.FromResult(runs.Count), count => count == Count);
        await Deadline.Until(WaitingAsync, count => count == 0);
        await _stop.CancelAsync();
        (await worker.Within()).Completed.ShouldBeGreaterThanOrEqualTo(Count);
        attempts.Keys.ShouldBe([1]);

        // Only what ran or had just run when a connection was cut may have come again.
        runs.Values.Sum().ShouldBeLessThan(Count + 200);
    }

    [Fact]
    public async Task A_job_that_fails_while_the_broker_is_away_is_not_lost()
    {
        var attempts = new ConcurrentQueue<int>();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var fail = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await EnqueueAsync(1);
        var worker = Start(settings => settings.Functions.Add("run", async (int number, JobContext context) =>
        {
            attempts.Enqueue(context.Attempt);
            if (attempts.Count == 1)
            {
                started.SetResult();
                await fail.Task;
                throw new IOException("while the broker is away");
            }

            done.TrySetResult();
        }));
        await started.Task.Within();

        Proxy.Refuse();
        Proxy.Cut();
        fail.SetResult();
        await Deadline.Until(() => Task.FromResult(_log.Lines.Count(line => line.Id.Name == "ReconnectFailed")), count => count > 0);
        Proxy.Accept();

        await done.Task.Within();
        await _stop.CancelAsync();

        // At least once: the failure may have been published after the reconnect while the broker also handed the job out again.
        (await worker.Within()).Completed.ShouldBeGreaterThanOrEqualTo(1);
        attempts.ShouldAllBe(attempt => attempt <= 2);
    }

    [Fact]
    public async Task A_worker_whose_broker_answers_nothing_any_more_still_ends_soon_after_its_limit()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await EnqueueAsync(1);
        var worker = Start(settings =>
        {
            settings.Connection.ConnectionTimeout = TimeSpan.FromSeconds(3);
            settings.GracefulShutdownTimeout = TimeSpan.FromSeconds(3);
            settings.JobCompletionWait = TimeSpan.FromSeconds(1);
            settings.Functions.Add("run", async (int number, CancellationToken cancellation) =>
            {
                started.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            });
        });
        await started.Task.Within();

        Proxy.Freeze();
        await _stop.CancelAsync();

        var summary = await worker.Within(TimeSpan.FromSeconds(25));
        summary.Completed.ShouldBe(0);
        Proxy.Thaw();
        Proxy.Cut();
        await Deadline.Until(WaitingAsync, count => count == 1);
    }

    private async Task EnqueueAsync(int count)
    {
        await using var client = await JobClient.ConnectAsync(_fixture.Url, settings => settings.QueueName = _queue, cancellationToken: Cancel);
        (await client.EnqueueManyAsync(Enumerable.Range(0, count).Select(n => new JobRequest("run") { Args = [n] }), Cancel)).ThrowIfAnyFailed();
    }

    private async Task<long> WaitingAsync() => (await _fixture.Broker.Inspector.FindQueueAsync(_queue, Cancel))!.MessagesReady;

    private Task<WorkerSummary> Start(Action<WorkerSettings> configure)
    {
        var settings = new WorkerSettings
        {
            Connection = { Url = Proxy.Url },
            QueueName = _queue,
            HandleSignals = false,
            RetryBackoff = TimeSpan.FromMilliseconds(100),
            LogLevel = LogLevel.Trace,
        };
        settings.Services.AddSingleton<ILoggerProvider>(_log);
        settings.Services.Configure<LoggerFilterOptions>(filter => filter.AddFilter<ConsoleLoggerProvider>(null, LogLevel.None));
        configure(settings);
        return Task.Run(() => Worker.RunAsync(settings, _stop.Token), Cancel);
    }
}
