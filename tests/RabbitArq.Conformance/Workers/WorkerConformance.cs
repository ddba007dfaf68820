using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

/// <summary>
/// What client and worker do together, stated once for every broker, through the public API. A broker's test project has
/// one line per kind: <c>public sealed class WorkerOnAFile() : WorkerConformance(new FileWorkerFixture());</c>
/// </summary>
/// <remarks>
/// Most tests run a burst: it ends when all is settled, so what it left behind is final. Names begin with the row of the
/// feature list that they prove.
/// </remarks>
public abstract partial class WorkerConformance : WorkerSuite
{
    /// <summary>Creates the suite for one broker and queue type.</summary>
    /// <param name="fixture">What opens it.</param>
    protected WorkerConformance(WorkerFixture fixture)
        : base(fixture)
    {
    }

    /// <summary>J1: every way to define a job.</summary>
    [Fact]
    public async Task J1_static_methods_lambdas_and_methods_of_injected_classes_run_with_their_arguments()
    {
        var words = new Words();
        await Client.EnqueueAsync("add_numbers", 3, 4);
        await Client.EnqueueAsync("greet", "world");
        await Client.EnqueueAsync(new JobRequest("record_order")
        {
            Args = [new Order("book", 2)],
            NamedArgs = new Dictionary<string, object?> { ["note_text"] = "gift", ["Urgent"] = true },
        });
        await Client.EnqueueAsync("record_order", new Order("pen", 1));

        var summary = await BurstAsync(worker =>
        {
            worker.Services.AddSingleton(words);
            worker.Functions.Add(AddNumbersAsync).Add("greet", (string name, Words said) => said.Say("hello " + name)).Add<OrderJobs>();
        });

        summary.Completed.ShouldBe(4);
        words.Said.ShouldBe(["7", "hello world", "2 book gift True", "1 pen none False"], ignoreOrder: true);
    }

    /// <summary>J6: what a job knows of itself.</summary>
    [Fact]
    public async Task J6_a_job_knows_its_id_attempt_times_queue_worker_headers_and_state()
    {
        JobContext? seen = null;
        var token = CancellationToken.None;
        var headers = new Dictionary<string, object?> { ["tenant"] = "blue", ["number"] = 5L };
        var before = TimeProvider.System.GetUtcNow();
        var handle = await Client.EnqueueAsync("look", new EnqueueOptions { Headers = headers, ParentId = "parent", Attempt = 2, MaxRetries = 7, Timeout = TimeSpan.FromSeconds(77) });

        var summary = await BurstAsync(worker =>
        {
            worker.WorkerName = "the worker";
            worker.Hooks.Startup = (context, _) =>
            {
                context.State["answer"] = 42;
                return Task.CompletedTask;
            };
            worker.Functions.Add("look", (JobContext context, CancellationToken cancellation) =>
            {
                (seen, token) = (context, cancellation);
                context.Logger.LogInformation("seen");
            });
        });

        summary.WorkerName.ShouldBe("the worker");
        seen.ShouldNotBeNull();
        seen.JobId.ShouldBe(handle.JobId);
        seen.JobId.ShouldMatch("^[0-9a-f]{32}$");
        seen.Function.ShouldBe("look");
        seen.Attempt.ShouldBe(2);
        seen.MaxAttempts.ShouldBe(8);
        seen.Timeout.ShouldBe(TimeSpan.FromSeconds(77));
        seen.QueueName.ShouldBe(Queue);
        seen.WorkerName.ShouldBe("the worker");
        seen.WorkerId.ShouldStartWith("the worker-");
        seen.ParentId.ShouldBe("parent");
        seen.RootId.ShouldBe("parent");
        seen.Headers["tenant"].ShouldBe("blue");
        seen.Headers["number"].ShouldBe(5L);
        seen.State["answer"].ShouldBe(42);
        seen.EnqueuedAt.ShouldBeInRange(before.AddSeconds(-1), seen.StartedAt);
        seen.StartedAt.ShouldBeInRange(seen.EnqueuedAt, TimeProvider.System.GetUtcNow());
        token.CanBeCanceled.ShouldBeTrue();
        token.ShouldBe(seen.CancellationToken);
        Log.Lines.ShouldContain(line => line.Text.StartsWith("seen", StringComparison.Ordinal) && line.JobId == handle.JobId);
    }

    [Fact]
    public async Task J6_a_child_carries_the_id_of_its_parent_and_of_the_first_of_the_chain()
    {
        var seen = new ConcurrentDictionary<string, (string? Parent, string Root)>();
        var handle = await Client.EnqueueAsync("first");

        await BurstAsync(worker => worker.Functions
            .Add("first", async (JobContext context) =>
            {
                seen["first"] = (context.ParentId, context.RootId);
                seen["second's id"] = ((await context.EnqueueAsync("second", 1)).JobId, "");
            })
            .Add("second", async (int number, JobContext context) =>
            {
                seen["second"] = (context.ParentId, context.RootId);
                await context.EnqueueAsync(Job("third", number + 1));
            })
            .Add("third", (int number, JobContext context) => seen["third" + number] = (context.ParentId, context.RootId)));

        seen["first"].ShouldBe((null, handle.JobId));
        seen["second"].ShouldBe((handle.JobId, handle.JobId));
        seen["third2"].ShouldBe((seen["second's id"].Parent, handle.JobId));
    }

    [Fact]
    public async Task J6_services_of_a_run_are_its_own_and_disposed_after_it()
    {
        var log = new ConcurrentQueue<string>();
        await Client.EnqueueManyAsync([Job("use"), Job("use"), Job("fail")], Cancel);

        await BurstAsync(worker =>
        {
            worker.Services.AddSingleton(log);
            worker.Services.AddScoped<Scoped>();
            worker.Functions
                .Add("use", (Scoped scoped, JobContext context) => log.Enqueue($"used {scoped.Number == context.Services.GetRequiredService<Scoped>().Number}"))
                .Add("fail", void (Scoped scoped) => throw new ArgumentException($"{scoped.Number}"));
        });

        log.Count(entry => entry == "used True").ShouldBe(2);
        log.Where(entry => entry.StartsWith("disposed", StringComparison.Ordinal)).Distinct().Count().ShouldBe(3);
    }

    [Fact]
    public async Task J6_progress_is_logged_and_recorded_and_never_fails_the_job()
    {
        await Client.EnqueueAsync("report");
        Results.Failure = new IOException("the store is down");

        var summary = await BurstAsync(worker =>
        {
            StoreResults(worker);
            worker.Functions.Add("report", async (JobContext context) => await context.ReportProgressAsync(0.5, "half way"));
        });

        summary.Completed.ShouldBe(1);
        Results.Saves.ShouldBe(2);
        Log.Lines.ShouldContain(line => line.Id.Name == "JobProgress" && line.Text.Contains("half way"));
        Log.Lines.Count(line => line.Id.Name == "RecordFailed").ShouldBe(2);
    }

    [Fact]
    public async Task RResults_are_recorded_and_read_back_typed()
    {
        await using var client = await JobClient.ConnectAsync(Fixture.Url, Configure, cancellationToken: Cancel);
        var good = await client.EnqueueAsync("twice", 21);
        var bad = await client.EnqueueAsync("break");

        await BurstAsync(worker =>
        {
            StoreResults(worker);
            worker.Functions.Add("twice", (int number) => number * 2).Add("break", int () => throw new ArgumentException("broken"));
        });

        (await Results.FindAsync(good.JobId, Cancel)).ShouldNotBeNull().Status.ShouldBe(RabbitArq.Results.JobStatus.Completed);
        System.Text.Encoding.UTF8.GetString((await Results.FindAsync(good.JobId, Cancel))!.Result.Span).ShouldBe("42");
        var failed = (await Results.FindAsync(bad.JobId, Cancel)).ShouldNotBeNull();
        failed.Status.ShouldBe(RabbitArq.Results.JobStatus.Failed);
        failed.Error.ShouldBe("ArgumentException: broken");
    }

    [Fact]
    public async Task W1_a_worker_and_its_client_run_in_a_host_and_stop_with_it()
    {
        var ran = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(Log);
        builder.AddRabbitArq(arq =>
        {
            arq.Connection.Url = Fixture.Url;
            arq.Client.QueueName = Queue;
            arq.Client.QueueType = Fixture.QueueType;
            arq.AddWorker(worker =>
            {
                worker.QueueName = Queue;
                worker.QueueType = Fixture.QueueType;
                worker.Functions.Add("tell", (string text, IJobClient client) => ran.TrySetResult($"{text} {client is not null}"));
            });
        });
        using var host = builder.Build();
        await host.StartAsync(Cancel).Within();

        await host.Services.GetRequiredService<IJobClient>().EnqueueAsync("tell", "in a host").Within();

        (await ran.Task.Within()).ShouldBe("in a host True");
        await host.StopAsync(Cancel).Within();
        Log.Lines.ShouldContain(line => line.Id.Name == "WorkerSummary");
    }

    [Fact]
    public async Task W1_a_host_does_not_start_with_jobs_that_cannot_work()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddRabbitArq(arq =>
        {
            arq.Connection.Url = Fixture.Url;
            arq.AddWorker(worker => worker.Functions.Add("a", () => { }).Add("a", () => { }).Add("b", (ref int number) => number++));
        });
        using var host = builder.Build();

        var failure = await Should.ThrowAsync<InvalidSettingsException>(() => host.StartAsync(Cancel).Within());

        failure.Errors.Count.ShouldBe(2);
    }

    [Fact]
    public async Task W1_the_host_ends_with_a_burst_that_is_over()
    {
        var runs = 0;
        await Client.EnqueueManyAsync([Job("count"), Job("count")], Cancel);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddRabbitArq(arq =>
        {
            arq.Connection.Url = Fixture.Url;
            arq.AddWorker(worker =>
            {
                worker.QueueName = Queue;
                worker.QueueType = Fixture.QueueType;
                worker.BurstMode = true;
                worker.Functions.Add("count", () => Interlocked.Increment(ref runs));
            });
        });
        using var host = builder.Build();

        await host.RunAsync(Cancel).Within();

        runs.ShouldBe(2);
    }

    [Fact]
    public async Task W1_settings_are_a_class_that_a_worker_runs()
    {
        DeclaredWorker.Ran = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var settings = new DeclaredWorker();
        settings.QueueName.ShouldBe("declared");
        settings.Connection.Url = Fixture.Url;
        settings.QueueName = Queue;
        settings.QueueType = Fixture.QueueType;
        settings.Services.Configure<LoggerFilterOptions>(filter => filter.AddFilter<ConsoleLoggerProvider>(null, LogLevel.None));
        await Client.EnqueueAsync("declared_job");

        (await Worker.RunAsync(settings, Cancel).Within()).Completed.ShouldBe(1);

        DeclaredWorker.Ran.Task.IsCompleted.ShouldBeTrue();
    }

    [Fact]
    public async Task W1_a_worker_that_is_stopped_before_it_started_ends_with_an_empty_summary()
    {
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();

        var summary = await Worker.RunAsync(Settings(), stopped.Token).Within();

        summary.Completed.ShouldBe(0);
    }

    [Fact]
    public async Task O4_the_log_of_client_and_worker_names_broker_queue_and_jobs_and_hides_the_password()
    {
        await Client.EnqueueManyAsync([Job("good"), Job("bad")], Cancel);

        await BurstAsync(worker => worker.Functions.Add("good", () => { }).Add("bad", void () => throw new ArgumentException("see " + Fixture.Url.Length)));

        var started = Log.Lines.Where(line => line.Id is { Id: 1000, Name: "WorkerStarted" }).ShouldHaveSingleItem();
        started.Text.ShouldContain(RabbitArq.Brokers.BrokerUrl.Mask(Fixture.Url));
        started.Text.ShouldContain(Queue);
        started.Text.ShouldContain("bad, good");
        if (Fixture.Password is { } password)
        {
            // Every test looks for it when it ends; this one makes sure that there was something to look through.
            Fixture.Url.ShouldContain(password);
            started.Text.ShouldContain("***");
        }

        Log.Lines.ShouldAllBe(line => line.Id.Id != 0);
        Log.Lines.Single(line => line.Id.Name == "JobDeadLettered").Id.Id.ShouldBe(1103);
    }

    [Job]
    private static async Task AddNumbersAsync(int left, int right, Words words)
    {
        await Task.Yield();
        words.Say($"{left + right}");
    }

    private sealed record Order(string What, int Count);

    private sealed class Words
    {
        public ConcurrentQueue<string> Said { get; } = new();

        public void Say(string text) => Said.Enqueue(text);
    }

    private sealed class OrderJobs(Words words)
    {
        [Job]
        public ValueTask RecordOrderAsync(Order order, string noteText = "none", bool urgent = false)
        {
            words.Say($"{order.Count} {order.What} {noteText} {urgent}");
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Scoped(ConcurrentQueue<string> log) : IAsyncDisposable
    {
        private static int _last;

        public int Number { get; } = Interlocked.Increment(ref _last);

        public ValueTask DisposeAsync()
        {
            log.Enqueue($"disposed {Number}");
            return ValueTask.CompletedTask;
        }
    }

    private sealed class DeclaredWorker : WorkerSettings
    {
        public DeclaredWorker()
        {
            QueueName = "declared";
            BurstMode = true;
            HandleSignals = false;
            Functions.Add(DeclaredJob);
        }

        public static TaskCompletionSource Ran { get; set; } = new();

        private static void DeclaredJob() => Ran.TrySetResult();
    }
}
