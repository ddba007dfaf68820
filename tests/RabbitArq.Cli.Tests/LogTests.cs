using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class LogTests(BuiltTargets built) : IDisposable
{
    private readonly Tool _tool = new Tool().WithBroker();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task The_log_file_is_named_by_the_day_and_has_the_stack_trace_that_the_screen_spares()
    {
        (await _tool.RunAsync("enqueue", "boom", "loud")).ShouldExitWith(0);

        var run = await _tool.RunAsync("worker", "-m", built.SourceFile, "-b", "--set", "logging.file=logs/arq.log");

        run.ShouldExitWith(0).Error.ShouldNotContain("   at ");
        var file = Directory.GetFiles(Path.Combine(_tool.Folder, "logs")).ShouldHaveSingleItem();
        Path.GetFileName(file).ShouldMatch(@"^arq\d{8}\.log$");
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        text.ShouldContain("[1103]");
        text.ShouldContain("   at OnlyWorker");
    }

    [Fact]
    public async Task Json_lines_have_level_event_and_properties()
    {
        (await _tool.RunAsync("enqueue", "ping", "--job-id", "p1")).ShouldExitWith(0);

        var run = await _tool.RunAsync("worker", "-m", built.SourceFile, "-b", "--set", "logging.format=json");

        var lines = run.ShouldExitWith(0).Error.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonNode.Parse(line)!).ToList();
        var succeeded = lines.Single(line => (string?)line["event"] == "JobSucceeded");
        succeeded["event_id"]!.GetValue<int>().ShouldBe(1101);
        succeeded["level"]!.GetValue<string>().ShouldBe("information");
        succeeded["properties"]!["JobId"]!.GetValue<string>().ShouldBe("p1");
        succeeded["properties"]!["Function"]!.GetValue<string>().ShouldBe("ping");
        DateTimeOffset.Parse((string)succeeded["time"]!, System.Globalization.CultureInfo.InvariantCulture).Offset.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public async Task A_log_file_that_cannot_be_written_keeps_the_worker_from_starting()
    {
        _tool.Write("taken", "");

        var run = await _tool.RunAsync("worker", "-m", built.SourceFile, "-b", "--set", "logging.file=taken/arq.log");

        run.ShouldExitWith(1).Error.ShouldContain("The log file 'taken/arq.log' cannot be written");
    }

    [Fact]
    public async Task The_level_none_writes_no_log()
    {
        (await _tool.RunAsync("worker", "-m", built.SourceFile, "-b", "-l", "none")).ShouldExitWith(0).Error.ShouldBe("");
    }
}
