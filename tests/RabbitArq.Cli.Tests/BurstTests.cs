using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class BurstTests(BuiltTargets built) : IDisposable
{
    private readonly Tool _tool = new Tool().WithBroker();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task A_burst_works_until_the_queue_is_empty_and_dead_letters_are_no_failure()
    {
        await EnqueueAsync("ping");
        await EnqueueAsync("add", "2", "3");
        await EnqueueAsync("boom", "now");

        var run = (await _tool.RunAsync("worker", "-m", built.SourceFile, "-b")).ShouldExitWith(0);

        run.Out.ShouldContain("◆ 2 jobs complete ◆ 1 failed ◆ 0 retries ◆ 0 to do");
        run.Out.Split('\n').ShouldContain(line => line.Trim().StartsWith("boom", StringComparison.Ordinal));
        run.Error.ShouldContain("boom now");
        run.Error.ShouldNotContain("   at ");
        (await _tool.RunAsync("queue-info", "--json")).Json["queues"]!.AsArray()
            .ToDictionary(queue => (string)queue!["name"]!, queue => (int)queue!["ready"]!)
            .ShouldBe(new Dictionary<string, int> { ["arq:queue"] = 0, ["arq:queue.dlq"] = 1 });
    }

    [Fact]
    public async Task With_json_the_summary_is_one_object_and_the_log_is_elsewhere()
    {
        await EnqueueAsync("add", "2", "3");
        await EnqueueAsync("boom", "x");

        var run = (await _tool.RunAsync("worker", "-m", built.SourceFile, "--burst", "--json", "--worker-name", "w7")).ShouldExitWith(0);

        run.Json["ok"]!.GetValue<bool>().ShouldBeTrue();
        run.Json["worker"]!.GetValue<string>().ShouldBe("w7");
        run.Json["completed"]!.GetValue<int>().ShouldBe(1);
        run.Json["failed"]!.GetValue<int>().ShouldBe(1);
        run.Json["jobs"]!["add"]!["completed"]!.GetValue<int>().ShouldBe(1);
        run.Json["jobs"]!["add"]!["p95_seconds"]!.GetValue<double>().ShouldBeGreaterThanOrEqualTo(0);
        run.Error.ShouldContain("[1000]");
    }

    [Fact]
    public async Task A_burst_that_runs_out_of_time_fails()
    {
        await EnqueueAsync("hold");

        var run = await _tool.RunAsync(
            "worker", "-m", built.SourceFile, "-b", "--burst-timeout", "1", "--burst-check-interval", "100ms", "--set", "worker.job_completion_wait=0", "--json");

        run.ShouldExitWith(1).Json["burst_timed_out"]!.GetValue<bool>().ShouldBeTrue();
        run.Json["interrupted"]!.GetValue<int>().ShouldBe(1);
        (await _tool.RunAsync("queue-info", "--json")).Json["queues"]![0]!["ready"]!.GetValue<int>().ShouldBe(1);
    }

    [Fact]
    public async Task A_job_gets_what_was_enqueued()
    {
        await EnqueueAsync("greet", "Zoë", "--header", "tenant=7", "--header", "zone=eu");
        await EnqueueAsync("greet", "--kwargs", """{"name": "Bob"}""", "--job-id", "greeting-2");

        (await _tool.RunAsync("worker", "-m", built.SourceFile, "-b")).ShouldExitWith(0);

        var client = await JobClient.ConnectAsync(_tool.BrokerUrl, cancellationToken: TestContext.Current.CancellationToken);
        await using (client)
        {
            (await client.GetHandle("greeting-2").ResultAsync<string>(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)).ShouldStartWith("hello Bob");
        }
    }

    private async Task EnqueueAsync(params string[] arguments) => (await _tool.RunAsync(["enqueue", .. arguments])).ShouldExitWith(0);
}
