using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class QueueCommandTests : IDisposable
{
    private readonly Tool _tool = new Tool().WithBroker();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task A_queue_is_shown_with_its_dead_letter_queue()
    {
        await EnqueueAsync("mail", 2);

        var run = (await _tool.RunAsync("queue-info", "mail")).ShouldExitWith(0);
        run.Out.ShouldContain("RabbitArq embedded broker");
        run.Out.ShouldMatch(@"mail +2 +0 +0 +0");
        run.Out.ShouldMatch(@"mail\.dlq +0");

        var json = (await _tool.With("ARQ_QUEUE_NAME", "mail").RunAsync("queue-info", "--json")).ShouldExitWith(0).Json;
        json["queues"]![0]!.ToJsonString().ShouldBe("""{"name":"mail","ready":2,"unacknowledged":0,"delayed":0,"consumers":0}""");
    }

    [Fact]
    public async Task Purging_needs_yes_where_nobody_can_be_asked()
    {
        await EnqueueAsync("mail", 1);

        var refused = (await _tool.RunAsync("purge-queue", "mail")).ShouldExitWith(2);
        refused.Error.ShouldContain("--yes");

        (await _tool.RunAsync("purge-queue", "mail", "--yes", "--json")).ShouldExitWith(0).Json.ToJsonString().ShouldBe("""{"ok":true,"queue":"mail","purged":1}""");
        (await _tool.RunAsync("purge-queue", "mail", "--yes")).ShouldExitWith(0).Out.ShouldContain("Deleted 0 message(s)");
    }

    [Theory]
    [InlineData("y", 0, 0)]
    [InlineData("是", 0, 0)]
    [InlineData("n", 1, 1)]
    [InlineData("", 1, 1)]
    public async Task Purging_asks_and_takes_only_a_clear_yes(string answer, int exitCode, int left)
    {
        await EnqueueAsync("mail", 1);
        var settings = new Configuration.CliSettings(null, [new("rabbitmq.url", _tool.BrokerUrl, new(Hosting.Settings.SettingLevel.CommandLine))]);
        var command = new Commands.PurgeQueueCommand(settings, new Output.CliOutput(json: false, showsStackTraces: false), new StringReader(answer), isInteractive: true);

        var run = command.RunAsync("mail", yes: false, TestContext.Current.CancellationToken);
        var actual = exitCode == 0 ? await run : (await Should.ThrowAsync<CliException>(run)).ExitCode;

        actual.ShouldBe(exitCode);
        (await _tool.RunAsync("queue-info", "mail", "--json")).Json["queues"]![0]!["ready"]!.GetValue<int>().ShouldBe(left);
    }

    [Theory]
    [InlineData("queue-info")]
    [InlineData("purge-queue", "--yes")]
    public async Task An_unknown_queue_is_told(string command, params string[] options)
    {
        var run = (await _tool.RunAsync([command, "nosuch", .. options])).ShouldExitWith(1);

        run.Error.ShouldContain("There is no queue 'nosuch' on sqlite:");
        run.Error.Split('\n').Length.ShouldBe(2);
    }

    private async Task EnqueueAsync(string queue, int count)
    {
        var client = await JobClient.ConnectAsync(_tool.BrokerUrl, cancellationToken: TestContext.Current.CancellationToken);
        await using (client)
        {
            for (var i = 0; i < count; i++)
            {
                await client.EnqueueAsync(new JobRequest("ping") { Options = new EnqueueOptions { QueueName = queue } }, TestContext.Current.CancellationToken);
            }
        }
    }
}
