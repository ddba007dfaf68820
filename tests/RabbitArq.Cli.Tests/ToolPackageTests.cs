using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class ToolPackageTests : IDisposable
{
    private readonly Tool _sdk = new();

    public void Dispose() => _sdk.Dispose();

    [Fact]
    public async Task The_packed_tool_installs_without_any_feed_and_runs_a_worker()
    {
        // A version of its own, so that no cache can have an older one.
        var version = "0.0.0-test" + Guid.NewGuid().ToString("N");
        (await _sdk.RunProgramAsync(
            Tool.Dotnet, "pack", Tool.ProjectFolder, "--no-build", "-c", Tool.Configuration, "-o", "feed", "-v:q", "-tl:off", "-p:PackageVersion=" + version)).ShouldExitWith(0);
        var config = _sdk.Write("nuget.config", """
            <configuration>
              <packageSources>
                <clear />
                <add key="here" value="feed" />
              </packageSources>
            </configuration>
            """);
        (await _sdk.RunProgramAsync(
            Tool.Dotnet, "tool", "install", "RabbitArq.Cli", "--tool-path", "tools", "--version", version, "--configfile", config)).ShouldExitWith(0);

        using var tool = new Tool { Program = Path.Combine(_sdk.Folder, "tools", OperatingSystem.IsWindows() ? "rabbitmq-arq.exe" : "rabbitmq-arq") }
            .WithBroker().With("DOTNET_ROOT", Path.GetDirectoryName(Tool.Dotnet));
        (await tool.RunAsync("--version")).ShouldExitWith(0).Out.ShouldMatch(@"^\d+\.\d+\.\d+");
        (await tool.With("ARQ_LANG", "zh").RunAsync("--help")).ShouldExitWith(0).Out.ShouldContain("选项:");
        tool.With("ARQ_LANG", "en");
        (await tool.RunAsync("enqueue", "ping")).ShouldExitWith(0);
        var source = tool.Write("worker.cs", Sources.Worker);
        (await tool.RunAsync("worker", "-m", source, "--burst")).ShouldExitWith(0).Out.ShouldContain("◆ 1 jobs complete");
    }
}
