using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class WorkerTargetTests(BuiltTargets built) : IDisposable
{
    private readonly Tool _tool = new Tool().WithBroker();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void A_project_is_built_and_its_class_is_found()
    {
        built.ProjectRun.ShouldExitWith(0);
        built.ProjectRun.Error.ShouldContain("Building " + built.Project);
        built.ProjectRun.Out.ShouldContain("1 job(s): ping");
    }

    [Fact]
    public async Task A_source_file_is_compiled_once()
    {
        built.SourceRun.ShouldExitWith(0);
        built.SourceRun.Json["jobs"]!.AsArray().Select(job => (string)job!).ShouldBe(["add", "boom", "greet", "hold", "ping"]);

        var again = await _tool.RunAsync("validate-config", "-m", built.SourceFile);
        again.ShouldExitWith(0).Error.ShouldNotContain("Building");
    }

    [Fact]
    public async Task An_assembly_runs_with_the_class_that_is_named()
    {
        (await _tool.RunAsync("enqueue", "ping", "--queue", "mail")).ShouldExitWith(0);

        var run = await _tool.RunAsync("worker", "-m", built.Assembly + ":Acme.Jobs.MailWorker", "--burst");

        run.ShouldExitWith(0).Out.ShouldContain("◆ 1 jobs complete ◆ 0 failed ◆ 0 retries ◆ 0 to do");
        run.Error.ShouldContain("queues mail");
    }

    [Fact]
    public async Task Several_classes_are_listed()
    {
        var run = (await _tool.RunAsync("worker", "-m", built.Assembly)).ShouldExitWith(1);

        run.Error.ShouldContain("Acme.Jobs.MailWorker");
        run.Error.ShouldContain("Acme.Jobs.NeedyWorker");
        run.Error.ShouldContain("TARGET:Type");
        run.Error.ShouldNotContain("AbstractWorker");
    }

    [Theory]
    [InlineData("Nobody", "There is no worker class 'Nobody'")]
    [InlineData("NeedyWorker", "has no constructor without parameters")]
    [InlineData("ThrowingWorker", "has thrown InvalidOperationException: no luck")]
    public async Task A_class_that_cannot_be_used_says_why(string type, string reason)
    {
        var run = (await _tool.RunAsync("validate-config", "-m", $"{built.Assembly}:{type}")).ShouldExitWith(1);

        run.Error.ShouldContain(reason);
        run.Error.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Stack_traces_come_with_log_level_debug()
    {
        var run = await _tool.RunAsync("validate-config", "-m", built.Assembly + ":ThrowingWorker", "--log-level", "debug");

        run.ShouldExitWith(1).Error.ShouldContain("   at Acme.Jobs.ThrowingWorker");
    }

    [Fact]
    public async Task Compile_errors_are_shown_with_file_and_line()
    {
        var path = _tool.Write("broken.cs", "public class Broken : WorkerSettings\n{\n    public Broken() => Nope();\n}\n");

        var run = (await _tool.RunAsync("worker", "-m", path)).ShouldExitWith(1);

        run.Error.ShouldContain($"{path}(3,24): error CS0103");
    }

    [Fact]
    public async Task A_file_that_is_a_program_too_is_a_target_as_it_stands()
    {
        var path = _tool.Write("program.cs", """
            #!/usr/bin/env dotnet
            #:property LangVersion=latest
            Console.WriteLine(typeof(Mine).Name);

            class Mine : WorkerSettings
            {
                public Mine() => Functions.Add("ping", () => "pong");
            }
            """);

        (await _tool.RunAsync("validate-config", "-m", path, "--json")).ShouldExitWith(0).Json["jobs"]!.AsArray().Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("nosuch.dll", "does not exist")]
    [InlineData("notes.txt", "is no target")]
    [InlineData("text.dll", "is no .NET assembly")]
    [InlineData(".", "0 project files")]
    public async Task What_is_no_target_is_told(string target, string reason)
    {
        _tool.Write("notes.txt", "hello");
        _tool.Write("text.dll", "hello");

        var run = (await _tool.RunAsync("worker", "-m", target)).ShouldExitWith(1);

        run.Error.ShouldContain(reason);
        run.Error.Split('\n').Length.ShouldBe(2);
    }

    [Fact]
    public async Task An_assembly_without_a_worker_is_told()
    {
        var run = await _tool.RunAsync("worker", "-m", Path.Combine(Path.GetDirectoryName(Tool.Assembly)!, "Serilog.dll"));

        run.ShouldExitWith(1).Error.ShouldContain("no class that derives from WorkerSettings");
    }
}
