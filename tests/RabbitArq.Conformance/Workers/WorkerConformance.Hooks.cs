using System.Collections.Concurrent;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

public abstract partial class WorkerConformance
{
    [Fact]
    public async Task W3_hooks_and_middleware_are_called_in_order()
    {
        var calls = new ConcurrentQueue<string>();
        Task Note(string what)
        {
            calls.Enqueue(what);
            return Task.CompletedTask;
        }

        await Client.EnqueueAsync("good");
        await BurstAsync(worker =>
        {
            worker.Hooks.Startup = (_, _) => Note("startup");
            worker.Hooks.JobStart = context => Note("start " + context.Function);
            worker.Hooks.JobSuccess = (_, result) => Note($"success {result}");
            worker.Hooks.JobFailure = (_, failure) => Note("failure " + failure.Message);
            worker.Hooks.JobEnd = _ => Note("end");
            worker.Hooks.Shutdown = (_, _) => Note("shutdown");
            worker.Middleware.Add(new Noting("outer", calls));
            worker.Middleware.Add(new Noting("inner", calls));
            worker.Functions.Add("good", () =>
            {
                calls.Enqueue("body");
                return 7;
            });
        });

        calls.ShouldBe(["startup", "start good", "> outer", "> inner", "body", "< inner", "< outer", "success 7", "end", "shutdown"]);
    }

    [Fact]
    public async Task W3_a_startup_hook_that_throws_keeps_the_worker_from_starting_and_the_jobs_where_they_are()
    {
        await Client.EnqueueAsync("any");

        var failure = await Should.ThrowAsync<InvalidOperationException>(() => Worker.RunAsync(
            Settings(worker =>
            {
                worker.Hooks.Startup = (_, _) => throw new InvalidOperationException("no database");
                worker.Functions.Add("any", () => { });
            }),
            Cancel).Within());

        failure.Message.ShouldBe("no database");
        await Deadline.Until(() => WaitingAsync(), count => count == 1);
    }

    [Fact]
    public async Task W3_a_start_hook_that_throws_fails_the_attempt_by_the_rules_of_its_exception()
    {
        var (hooks, runs) = (0, 0);
        await Client.EnqueueAsync("any");

        var summary = await BurstAsync(worker =>
        {
            worker.Hooks.JobStart = _ => Interlocked.Increment(ref hooks) == 1 ? throw new IOException("busy") : Task.CompletedTask;
            worker.Functions.Add("any", () => Interlocked.Increment(ref runs));
        });

        (hooks, runs).ShouldBe((2, 1));
        (summary.Retried, summary.Completed, summary.HookFailures).ShouldBe((1, 1, 0));
    }

    [Theory]
    [InlineData("success")]
    [InlineData("failure")]
    [InlineData("end")]
    public async Task W3_a_hook_that_throws_after_a_job_is_logged_and_counted_and_the_outcome_stands(string hook)
    {
        await Client.EnqueueManyAsync([Job("good"), Job("bad")], Cancel);

        var summary = await BurstAsync(worker =>
        {
            worker.Hooks.JobSuccess = (_, _) => hook == "success" ? throw new InvalidOperationException("hook") : Task.CompletedTask;
            worker.Hooks.JobFailure = (_, _) => hook == "failure" ? throw new InvalidOperationException("hook") : Task.CompletedTask;
            worker.Hooks.JobEnd = _ => hook == "end" ? Task.FromException(new InvalidOperationException("hook")) : Task.CompletedTask;
            worker.Functions.Add("good", () => { }).Add("bad", void () => throw new ArgumentException("bad"));
        });

        (summary.Completed, summary.Failed, summary.Retried).ShouldBe((1, 1, 0));
        summary.HookFailures.ShouldBe(hook == "end" ? 2 : 1);
        Log.Lines.Count(line => line.Id.Name == "HookFailed").ShouldBe(hook == "end" ? 2 : 1);
        HeaderOf(await DeadLetterAsync(), "x-error-message").ShouldBe("bad");
    }

    [Fact]
    public async Task W3_a_shutdown_hook_that_throws_is_the_error_of_the_worker_after_its_jobs_are_settled()
    {
        await Client.EnqueueAsync("any");

        var failure = await Should.ThrowAsync<InvalidOperationException>(() => BurstAsync(worker =>
        {
            worker.Hooks.Shutdown = (_, _) => throw new InvalidOperationException("cannot close");
            worker.Functions.Add("any", () => { });
        }));

        failure.Message.ShouldBe("cannot close");
        (await WaitingAsync()).ShouldBe(0);
        Log.Lines.ShouldContain(line => line.Id.Name == "WorkerSummary");
    }

    [Fact]
    public async Task W3_middleware_may_answer_in_the_place_of_the_job_and_what_it_throws_is_the_failure_of_the_job()
    {
        var runs = 0;
        await Client.EnqueueManyAsync([Job("skip"), Job("break"), Job("run")], Cancel);

        var summary = await BurstAsync(worker =>
        {
            StoreResults(worker);
            worker.Middleware.Add(new Deciding());
            worker.Functions.Add("skip", () => Interlocked.Increment(ref runs)).Add("break", () => Interlocked.Increment(ref runs))
                .Add("run", () => Interlocked.Increment(ref runs));
        });

        runs.ShouldBe(1);
        (summary.Completed, summary.Failed).ShouldBe((2, 1));
        HeaderOf(await DeadLetterAsync(), "x-error-message").ShouldBe("not today");
    }

    private sealed class Noting(string name, ConcurrentQueue<string> calls) : IJobMiddleware
    {
        public async ValueTask<object?> InvokeAsync(JobContext context, JobDelegate next)
        {
            calls.Enqueue("> " + name);
            var result = await next(context);
            calls.Enqueue("< " + name);
            return result;
        }
    }

    private sealed class Deciding : IJobMiddleware
    {
        public ValueTask<object?> InvokeAsync(JobContext context, JobDelegate next) => context.Function switch
        {
            "skip" => new ValueTask<object?>("skipped"),
            "break" => throw new ArgumentException("not today"),
            _ => next(context),
        };
    }
}
