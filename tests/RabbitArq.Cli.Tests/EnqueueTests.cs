using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class EnqueueTests : IDisposable
{
    private readonly Tool _tool = new Tool().WithBroker();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task The_id_is_all_that_is_printed()
    {
        var run = (await _tool.RunAsync("enqueue", "ping")).ShouldExitWith(0);

        run.Out.ShouldMatch("^[0-9a-f]{32}\n?$");
        run.Error.ShouldBe("");
    }

    [Fact]
    public async Task With_json_the_answer_names_job_and_queue()
    {
        var run = (await _tool.RunAsync("enqueue", "ping", "--job-id", "j1", "-q", "mail", "--json", "--priority", "3", "--expires", "never", "--defer-by", "10ms")).ShouldExitWith(0);

        run.Json.ToJsonString().ShouldBe("""{"ok":true,"job_id":"j1","function":"ping","queue":"mail"}""");
    }

    [Theory]
    [InlineData("5", "5")]
    [InlineData("-2.5", "-2.5")]
    [InlineData("true", "true")]
    [InlineData("null", "null")]
    [InlineData("\"quoted\"", "\"quoted\"")]
    [InlineData("[1, 2]", "[1,2]")]
    [InlineData("{\"a\": 1}", "{\"a\":1}")]
    [InlineData("word", "\"word\"")]
    [InlineData("photo.jpg", "\"photo.jpg\"")]
    [InlineData("007", "\"007\"")]
    [InlineData("2030-01-31", "\"2030-01-31\"")]
    [InlineData("", "\"\"")]
    public void An_argument_is_json_where_it_is_json_and_else_a_text(string written, string expected)
    {
        System.Text.Json.JsonSerializer.Serialize(Commands.EnqueueCommand.ReadArgument(written)).ShouldBe(expected);
    }

    [Fact]
    public async Task Negative_numbers_are_arguments_and_after_two_dashes_everything_is()
    {
        (await _tool.RunAsync("enqueue", "add", "2", "-3", "--job-id", "a")).ShouldExitWith(0);
        (await _tool.RunAsync("enqueue", "add", "--job-id", "b", "--", "--job-id", "-x")).ShouldExitWith(0);
    }

    [Theory]
    [InlineData("{bad", "begins like JSON")]
    [InlineData("[1,", "begins like JSON")]
    [InlineData("\"open", "begins like JSON")]
    public async Task What_begins_like_json_must_be_json(string argument, string reason)
    {
        (await _tool.RunAsync("enqueue", "ping", argument)).ShouldExitWith(2).Error.ShouldContain(reason);
    }

    [Theory]
    [InlineData("--kwargs is", "--kwargs", "[1]")]
    [InlineData("--priority is '300'; allowed is a whole number from 0 to 255.", "--priority", "300")]
    [InlineData("--defer-by is 'soon'; allowed is a duration", "--defer-by", "soon")]
    [InlineData("--defer-until is 'tomorrowish'; allowed is a time", "--defer-until", "tomorrowish")]
    [InlineData("--expires is '-1'; allowed is never", "--expires", "-1")]
    [InlineData("--header is 'x'; allowed is KEY=VALUE.", "--header", "x")]
    [InlineData("--defer-by and --defer-until do not go together", "--defer-by", "5", "--defer-until", "2030-01-01")]
    [InlineData("There is no option '--frobnicate'", "--frobnicate", "5")]
    public async Task A_wrong_option_is_told_with_its_value(string message, params string[] options)
    {
        var run = (await _tool.RunAsync(["enqueue", "ping", .. options])).ShouldExitWith(2);

        run.Error.Replace("The value of --kwargs, '[1]', is no JSON object", "--kwargs is", StringComparison.Ordinal).ShouldContain(message);
    }
}
