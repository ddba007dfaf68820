using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class LanguageTests(BuiltTargets built) : IDisposable
{
    private readonly Tool _tool = new Tool().WithBroker();

    public void Dispose() => _tool.Dispose();

    [Theory]
    [InlineData("en", "Runs a worker", "Options:", "# An assembly")]
    [InlineData("zh-CN", "运行 worker", "选项:", "# 程序集")]
    [InlineData("zh_CN.UTF-8", "运行 worker", "选项:", "# 程序集")]
    public async Task Help_speaks_the_language_of_the_variable(string language, params string[] parts)
    {
        var run = (await _tool.With("ARQ_LANG", language).RunAsync("worker", "--help")).ShouldExitWith(0);

        foreach (var part in parts)
        {
            run.Out.ShouldContain(part);
        }
    }

    [Fact]
    public async Task The_option_wins_over_the_variable_and_reaches_the_log()
    {
        var run = await _tool.With("ARQ_LANG", "en").RunAsync("worker", "-m", built.SourceFile, "-b", "--lang", "zh");

        run.ShouldExitWith(0).Error.ShouldContain("[1000] Worker ");
        run.Error.ShouldContain("上启动：队列");
        run.Out.ShouldContain("个任务完成");
    }

    [Fact]
    public async Task Errors_come_in_chinese_too()
    {
        (await _tool.With("ARQ_LANG", "zh").RunAsync("queue-info", "nosuch")).ShouldExitWith(1).Error.ShouldContain("上没有名为“nosuch”的队列");
        (await _tool.With("ARQ_LANG", "zh").RunAsync("worker")).ShouldExitWith(2).Error.ShouldContain("缺少要运行的目标");
    }

    [Fact]
    public async Task An_unknown_language_is_a_usage_error()
    {
        (await _tool.RunAsync("queue-info", "--lang", "tlh")).ShouldExitWith(2).Error.ShouldContain("'tlh'");
    }
}
