// Longer than 400 lines: every stage of one run, from delivery to outcome, on one fixture.
using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using RabbitArq.Execution;
using RabbitArq.Jobs;
using RabbitArq.Messages;
using RabbitArq.Messages.Formats;
using RabbitArq.Retries;
using RabbitArq.Tests.Support;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Execution;

public sealed class JobExecutorTests : IDisposable
{
    private static readonly TimeSpan JobTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StuckGrace = TimeSpan.FromSeconds(10);

    private readonly FakeTime _time = new();
    private readonly RecordingLog _log = new();
    private readonly WorkerHooks _hooks = new();
    private readonly List<IJobMiddleware> _middleware = [];
    private readonly CancellationTokenSource _abort = new();
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ServiceProvider _services = new ServiceCollection().BuildServiceProvider();
    private Backoff _backoff = Backoff.Constant(TimeSpan.FromSeconds(5));
    private JobExecutor? _executor;

    public void Dispose()
    {
        _release.TrySetResult();
        _abort.Dispose();
        _services.Dispose();
    }

    [Fact]
    public async Task A_job_that_returns_has_succeeded_with_its_result_as_JSON()
    {
        var run = await RunAsync(() => new { Answer = 42 });

        System.Text.Encoding.UTF8.GetString(run.Outcome.ShouldBeOfType<JobOutcome.Succeeded>().Result.Span).ShouldBe("""{"Answer":42}""");
        run.StartedAt.ShouldBe(_time.GetUtcNow());
        _log.Events.ShouldContain("JobStarted");
    }

    [Fact]
    public async Task A_timeout_cancels_the_token_and_is_a_retriable_failure()
    {
        var cancelled = false;
        var running = StartRun(async (CancellationToken token) =>
        {
            try
            {
                await _release.Task.WaitAsync(token);
            }
            finally
            {
                cancelled = token.IsCancellationRequested;
            }
        });

        _time.Advance(JobTimeout - TimeSpan.FromTicks(1));
        running.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromTicks(1));
        var run = await running.Within();

        cancelled.ShouldBeTrue();
        run.Stuck.ShouldBeFalse();
        run.Duration.ShouldBe(JobTimeout);
        var retry = run.Outcome.ShouldBeOfType<JobOutcome.Retry>();
        retry.At.ShouldBe(_time.GetUtcNow().AddSeconds(5));
        retry.Category.ShouldBe(FailureCategory.Retriable);
        retry.Error.ShouldBeOfType<JobTimeoutException>().ShouldSatisfyAllConditions(e => e.IsStuck.ShouldBeFalse(), e => e.Timeout.ShouldBe(JobTimeout));
    }

    [Fact]
    public async Task Whatever_a_body_throws_because_of_its_timeout_is_a_timeout_unless_it_asks_for_a_retry()
    {
        var other = StartRun(async (CancellationToken token) =>
        {
            await _release.Task.WaitAsync(token).ContinueWith(_ => { }, TaskScheduler.Default);
            throw new ArgumentException("the driver's own word for cancelled");
        });
        _time.Advance(JobTimeout);
        (await other.Within()).Outcome.ShouldBeOfType<JobOutcome.Retry>().Error.ShouldBeOfType<JobTimeoutException>()
            .InnerException.ShouldBeOfType<ArgumentException>();

        var asks = StartRun(async (CancellationToken token) =>
        {
            await _release.Task.WaitAsync(token).ContinueWith(_ => { }, TaskScheduler.Default);
            throw new RetryException(TimeSpan.FromHours(1));
        });
        _time.Advance(JobTimeout);
        (await asks.Within()).Outcome.ShouldBeOfType<JobOutcome.Retry>().At.ShouldBe(_time.GetUtcNow().AddHours(1));
    }

    [Fact]
    public async Task A_body_that_finishes_within_the_grace_after_its_timeout_has_succeeded()
    {
        var running = StartRun(async () =>
        {
            await _release.Task;
            return 7;
        });
        _time.Advance(JobTimeout);
        await _time.TimerOfAsync(StuckGrace).Within();
        _release.SetResult();

        (await running.Within()).Outcome.ShouldBeOfType<JobOutcome.Succeeded>();
    }

    [Fact]
    public async Task A_body_that_ignores_its_token_is_abandoned_after_the_grace_and_its_services_live_as_long_as_it()
    {
        var started = new TaskCompletionSource<JobContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = StartRun(async (JobContext c) =>
        {
            _ = c.Services;
            started.SetResult(c);
            await _release.Task;
        });
        var context = await started.Task.Within();
        _time.Advance(JobTimeout);
        await _time.TimerOfAsync(StuckGrace).Within();
        running.IsCompleted.ShouldBeFalse();
        _time.Advance(StuckGrace);
        var run = await running.Within();

        run.Stuck.ShouldBeTrue();
        run.Outcome.ShouldBeOfType<JobOutcome.Retry>().Error.ShouldBeOfType<JobTimeoutException>().IsStuck.ShouldBeTrue();
        _log.Events.ShouldContain("JobStuck");
        context.Services.GetService<object>().ShouldBeNull();

        _release.SetResult();
        await Waiting.Until(() => _log.Events.Contains("AbandonedJobEnded"));
        await Waiting.Until(() => IsDisposed(context));
    }

    [Fact]
    public async Task A_body_that_blocks_its_thread_before_it_returns_a_task_is_abandoned_too()
    {
        using var block = new ManualResetEventSlim();
        var running = StartRun(() =>
        {
            block.Wait(TimeSpan.FromSeconds(30));
            return Task.CompletedTask;
        });
        _time.Advance(JobTimeout);
        await _time.TimerOfAsync(StuckGrace).Within();
        _time.Advance(StuckGrace);

        (await running.Within()).Stuck.ShouldBeTrue();
        block.Set();
    }

    [Theory]
    [InlineData("cancelled")]
    [InlineData("other")]
    [InlineData("deaf")]
    public async Task An_abort_interrupts_the_run_however_the_body_takes_it(string reaction)
    {
        var ends = new ConcurrentQueue<string>();
        _hooks.JobFailure = (_, _) => Note(ends, "failure");
        _hooks.JobSuccess = (_, _) => Note(ends, "success");
        _hooks.JobEnd = _ => Note(ends, "end");
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = StartRun(async (CancellationToken token) =>
        {
            started.SetResult();
            try
            {
                await _release.Task.WaitAsync(reaction == "deaf" ? default : token);
            }
            catch (OperationCanceledException) when (reaction == "other")
            {
                throw new ArgumentException("cancelled");
            }
        });
        await started.Task.Within();

        await _abort.CancelAsync();
        if (reaction == "deaf")
        {
            await _time.TimerOfAsync(StuckGrace).Within();
            _time.Advance(StuckGrace);
        }

        var run = await running.Within();
        run.Outcome.ShouldBeOfType<JobOutcome.Interrupted>();
        run.Stuck.ShouldBe(reaction == "deaf");
        ends.ShouldBe(["end"]);
    }

    [Fact]
    public async Task A_timeout_that_came_before_the_abort_stays_a_timeout()
    {
        var running = StartRun(async () => await _release.Task);
        _time.Advance(JobTimeout);
        await _time.TimerOfAsync(StuckGrace).Within();
        await _abort.CancelAsync();
        _time.Advance(StuckGrace);

        (await running.Within()).Outcome.ShouldBeOfType<JobOutcome.Retry>();
    }

    [Fact]
    public async Task After_an_abort_no_body_starts()
    {
        await _abort.CancelAsync();
        var ran = false;

        (await RunAsync(() => ran = true)).Outcome.ShouldBeOfType<JobOutcome.Interrupted>();

        ran.ShouldBeFalse();
    }

    [Fact]
    public async Task An_own_cancellation_of_the_body_is_a_retriable_failure_and_no_timeout()
    {
        var outcome = (await RunAsync(void () => throw new TaskCanceledException("the HTTP client gave up"))).Outcome;

        outcome.ShouldBeOfType<JobOutcome.Retry>().Error.ShouldBeOfType<TaskCanceledException>();
    }

    [Fact]
    public async Task A_timeout_longer_than_any_timer_is_no_timeout()
    {
        var job = Prepare(() => 1, Bodies.Job("job", more: ",\"timeout\":1e9"));

        (await _executor!.RunAsync(job, _abort.Token).Within()).Outcome.ShouldBeOfType<JobOutcome.Succeeded>();
    }

    [Fact]
    public async Task An_expired_job_is_not_run()
    {
        var ran = false;
        var job = Prepare(() => ran = true, Bodies.Job("job", more: ",\"expires\":\"2026-03-04T05:06:07Z\""));

        (await _executor!.RunAsync(job, _abort.Token).Within()).Outcome.ShouldBe(new JobOutcome.Expired(_time.GetUtcNow()));

        ran.ShouldBeFalse();
    }

    [Fact]
    public async Task What_cannot_be_read_resolved_or_bound_is_dead_lettered_without_a_run()
    {
        var ran = false;
        async Task<string> TypeOf(string body) =>
            (await _executor!.RunAsync(_executor.Prepare(new FakeDelivery { Message = Message(body), QueueName = "q" }), _abort.Token).Within())
            .Outcome.ShouldBeOfType<JobOutcome.DeadLettered>().Reason.ErrorType;
        Prepare((int number) => ran = true);

        (await TypeOf("{")).ShouldBe("UnreadableMessage");
        (await TypeOf(Bodies.Job("other"))).ShouldBe("UnknownJob");
        (await TypeOf(Bodies.Job("job", "[\"x\"]"))).ShouldBe("ArgumentBinding");
        ran.ShouldBeFalse();
    }

    [Fact]
    public async Task Whatever_a_format_throws_makes_the_message_unreadable()
    {
        Prepare(() => { });
        var executor = MakeExecutor(() => { }, [new BrokenFormat()]);

        var job = executor.Prepare(new FakeDelivery { Message = Message("x"), QueueName = "q" });

        (await executor.RunAsync(job, _abort.Token).Within()).Outcome.ShouldBeOfType<JobOutcome.DeadLettered>().Reason.ErrorType.ShouldBe("UnreadableMessage");
    }

    [Fact]
    public async Task A_backoff_that_throws_dead_letters_the_job_and_is_counted()
    {
        _backoff = Backoff.Custom(_ => throw new InvalidOperationException("bad backoff"));

        (await RunAsync(void () => throw new IOException())).Outcome.ShouldBeOfType<JobOutcome.DeadLettered>().Error.Message.ShouldBe("bad backoff");

        _executor!.HookFailures.ShouldBe(1);
    }

    [Fact]
    public async Task A_result_that_is_no_JSON_is_a_failure_that_names_job_and_type()
    {
        var outcome = (await RunAsync(Action () => Nothing)).Outcome.ShouldBeOfType<JobOutcome.DeadLettered>();

        outcome.Error.ShouldBeOfType<ResultNotSerializableException>().Message.ShouldContain("System.Action");
        outcome.Error.Message.ShouldContain("'job'");
    }

    [Fact]
    public async Task Hooks_run_in_order_and_what_they_throw_after_the_job_changes_nothing()
    {
        var calls = new ConcurrentQueue<string>();
        _hooks.JobStart = _ => Note(calls, "start");
        _hooks.JobSuccess = (_, result) => Note(calls, $"success {result}", fail: true);
        _hooks.JobFailure = (_, failure) => Note(calls, $"failure {failure.Message}", fail: true);
        _hooks.JobEnd = _ => Note(calls, "end", fail: true);

        (await RunAsync(() => 5)).Outcome.ShouldBeOfType<JobOutcome.Succeeded>();
        (await RunAsync(void () => throw new IOException("x"))).Outcome.ShouldBeOfType<JobOutcome.Retry>();

        calls.ShouldBe(["start", "success 5", "end", "start", "failure x", "end"]);
        _log.Events.Count(name => name == "HookFailed").ShouldBe(4);
    }

    [Fact]
    public async Task A_start_hook_that_throws_fails_the_attempt_before_the_body()
    {
        var ran = false;
        _hooks.JobStart = _ => throw new ArgumentException("hook");

        (await RunAsync(() => ran = true)).Outcome.ShouldBeOfType<JobOutcome.DeadLettered>().Error.Message.ShouldBe("hook");

        ran.ShouldBeFalse();
        _executor!.HookFailures.ShouldBe(0);
    }

    [Fact]
    public async Task Middleware_wraps_outermost_first_and_may_answer_itself()
    {
        var calls = new ConcurrentQueue<string>();
        _middleware.Add(new Wrap("a", calls));
        _middleware.Add(new Wrap("b", calls));

        await RunAsync(() => calls.Enqueue("body"));
        _middleware.Add(new Answer());
        var answered = await RunAsync(() => calls.Enqueue("never"));

        calls.ShouldBe([">a", ">b", "body", "<b", "<a", ">a", ">b", "<b", "<a"]);
        System.Text.Encoding.UTF8.GetString(answered.Outcome.ShouldBeOfType<JobOutcome.Succeeded>().Result.Span).ShouldBe("\"instead\"");
    }

    private static Task Note(ConcurrentQueue<string> calls, string what, bool fail = false)
    {
        calls.Enqueue(what);
        return fail ? throw new InvalidOperationException(what) : Task.CompletedTask;
    }

    private static void Nothing()
    {
    }

    private static BrokerMessage Message(string body) => new() { Body = System.Text.Encoding.UTF8.GetBytes(body) };

    private static bool IsDisposed(JobContext context)
    {
        try
        {
            context.Services.GetService<object>();
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private JobExecutor MakeExecutor(Delegate job, IReadOnlyList<IWireFormat>? formats = null)
    {
        var (jobs, errors) = (new JobCollection().Add("job", job), new List<string>());
        var registry = JobRegistry.Build(jobs, _services, JobJson.Default, errors);
        errors.ShouldBeEmpty();
        return new JobExecutor(
            registry, formats ?? [new ArqJsonFormat()], new JobDefaults(JobTimeout, 3, StuckGrace, StoresResults: true, JobJson.Default), _hooks, [.. _middleware],
            new RetryPolicy(DefaultFailureRules.Create(), _backoff, false, new Random(1)), new JobWorkerIdentity("w", "w-1"), _services, _log, _time);
    }

    private PreparedJob Prepare(Delegate job, string? body = null)
    {
        _executor = MakeExecutor(job);
        return _executor.Prepare(new FakeDelivery { Message = Message(body ?? Bodies.Job("job")), QueueName = "q" });
    }

    private Task<JobRun> RunAsync(Delegate job) => StartRun(job).Within();

    private Task<JobRun> StartRun(Delegate job)
    {
        var prepared = Prepare(job);
        return _executor!.RunAsync(prepared, _abort.Token).AsTask();
    }

    private sealed class Wrap(string name, ConcurrentQueue<string> calls) : IJobMiddleware
    {
        public async ValueTask<object?> InvokeAsync(JobContext context, JobDelegate next)
        {
            calls.Enqueue(">" + name);
            var result = await next(context);
            calls.Enqueue("<" + name);
            return result;
        }
    }

    private sealed class Answer : IJobMiddleware
    {
        public ValueTask<object?> InvokeAsync(JobContext context, JobDelegate next) => new("instead");
    }

    private sealed class BrokenFormat : IWireFormat
    {
        public string Name => "broken";

        public bool Recognises(BrokerMessage message) => true;

        public JobEnvelope Decode(BrokerMessage message) => throw new InvalidCastException("a bug in a format");

        public BrokerMessage Encode(JobEnvelope envelope) => throw new NotSupportedException();
    }
}
