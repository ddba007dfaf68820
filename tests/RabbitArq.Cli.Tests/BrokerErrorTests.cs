using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class BrokerErrorTests(BuiltTargets built) : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Theory]
    [InlineData("enqueue", "ping")]
    [InlineData("queue-info")]
    [InlineData("purge-queue", "x", "--yes")]
    [InlineData("enqueue", "ping", "--log-level", "trace")]
    [InlineData("queue-info", "--json")]
    public async Task A_server_that_is_down_is_told_without_the_password(params string[] arguments)
    {
        var run = (await _tool.With("RABBITMQ_URL", $"amqp://guest:{Tool.Secret}@127.0.0.1:1/").RunAsync(arguments)).ShouldExitWith(1);

        (run.Out + run.Error).ShouldContain("amqp://guest:***@127.0.0.1:1/");
        (run.Out + run.Error).ShouldContain("Nobody listens");
        if (arguments.Contains("--json"))
        {
            run.Json["ok"]!.GetValue<bool>().ShouldBeFalse();
        }
    }

    [Fact]
    public async Task A_worker_whose_server_is_down_says_so_and_fails()
    {
        var run = await _tool.RunAsync("worker", "-m", built.SourceFile, "-u", $"amqp://guest:{Tool.Secret}@127.0.0.1:1/");

        run.ShouldExitWith(1).Error.ShouldContain("Nobody listens at 127.0.0.1:1");
    }

    [Theory]
    [InlineData("http://u:" + Tool.Secret + "@h/", "rabbitmq.url is 'http://u:***@h/' (option --rabbitmq-url); allowed is a URL such as amqp://")]
    [InlineData("justahost", "rabbitmq.url is 'justahost'")]
    [InlineData("sqlite:/no/such/folder/x.db", "/no/such/folder")]
    public async Task A_wrong_url_is_told(string url, string reason)
    {
        (await _tool.RunAsync("enqueue", "ping", "-u", url)).ShouldExitWith(1).Error.ShouldContain(reason);
    }

    [Fact]
    public async Task Settings_and_jobs_that_are_wrong_are_told_together()
    {
        var path = _tool.Write("twice.cs", """
            public class Twice : WorkerSettings
            {
                public Twice()
                {
                    Functions.Add("a", () => 1);
                    Functions.Add("a", () => 2);
                }
            }
            """);

        var run = (await _tool.With("ARQ_MAX_RETRIES", "-1").RunAsync("worker", "-m", path, "-b")).ShouldExitWith(1);

        run.Error.ShouldContain("2 mistake(s)");
        run.Error.ShouldContain("worker.max_retries is '-1'");
        run.Error.ShouldContain("The job name 'a' is used by");
    }

    [Fact]
    public async Task Wrong_usage_ends_with_two()
    {
        (await _tool.RunAsync()).ShouldExitWith(2).Error.ShouldContain("--help");
        (await _tool.RunAsync("wrker")).ShouldExitWith(2).Error.ShouldContain("wrker");
        (await _tool.RunAsync("worker", "--json")).ShouldExitWith(2).Json["errors"]!.AsArray().Count.ShouldBe(1);
    }
}
