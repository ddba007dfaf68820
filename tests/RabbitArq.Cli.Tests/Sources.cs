using RabbitArq.Cli.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(BuiltTargets))]

namespace RabbitArq.Cli.Tests;

/// <summary>Workers as users write them.</summary>
internal static class Sources
{
    /// <summary>A single file. <c>hold</c> waits for its token, <c>wait</c> for a file to appear.</summary>
    public const string Worker =
        """
        using System.Threading;

        public class OnlyWorker : WorkerSettings
        {
            public OnlyWorker()
            {
                Functions.Add("ping", () => "pong");
                Functions.Add("add", (int a, int b) => a + b);
                Functions.Add("greet", (string name, JobContext context) => $"hello {name} {context.Headers.Count}");
                Functions.Add("boom", string (string text) => throw new InvalidOperationException("boom " + text));
                Functions.Add("hold", async (JobContext context, CancellationToken stop) =>
                {
                    Console.Error.WriteLine("holding");
                    await Task.Delay(Timeout.Infinite, stop);
                });
            }
        }
        """;

    /// <summary>A library with several candidates, among them ones that cannot be used.</summary>
    public const string Library =
        """
        using RabbitArq;

        namespace Acme.Jobs;

        public class MailWorker : WorkerSettings
        {
            public MailWorker()
            {
                QueueName = "mail";
                Functions.Add("ping", () => "pong");
            }
        }

        public class ThrowingWorker : WorkerSettings
        {
            public ThrowingWorker() => throw new InvalidOperationException("no luck");
        }

        public class NeedyWorker(int number) : WorkerSettings
        {
            public int Number => number;
        }

        public abstract class AbstractWorker : WorkerSettings;
        """;

    /// <summary>A project that builds without any package feed: it refers to the assemblies of the tool.</summary>
    public static string Project() =>
        $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <Nullable>enable</Nullable>
          </PropertyGroup>
          <ItemGroup>
            <Reference Include="{Path.Combine(Path.GetDirectoryName(Tool.Assembly)!, "RabbitArq.dll")}" />
            <Reference Include="{Path.Combine(Path.GetDirectoryName(Tool.Assembly)!, "Microsoft.Extensions.*.dll")}" />
          </ItemGroup>
        </Project>
        """;
}

/// <summary>A built project and a compiled file, shared by the tests that only run them.</summary>
public sealed class BuiltTargets : IAsyncLifetime
{
    private readonly Tool _tool = new();

    /// <summary>A source file whose compilation is in the cache.</summary>
    public string SourceFile { get; private set; } = "";

    /// <summary>A project that has been built.</summary>
    public string Project { get; private set; } = "";

    /// <summary>Its assembly.</summary>
    public string Assembly { get; private set; } = "";

    /// <summary>What building them through the tool has said.</summary>
    internal ToolRun ProjectRun { get; private set; } = null!;

    /// <inheritdoc cref="ProjectRun"/>
    internal ToolRun SourceRun { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        SourceFile = _tool.Write("worker.cs", Sources.Worker);
        var folder = Directory.CreateDirectory(Path.Combine(_tool.Folder, "project")).FullName;
        Project = Path.Combine(folder, "jobs.csproj");
        await File.WriteAllTextAsync(Project, Sources.Project());
        await File.WriteAllTextAsync(Path.Combine(folder, "Workers.cs"), Sources.Library);
        Assembly = Path.Combine(folder, "bin", "Debug", "net10.0", "jobs.dll");
        ProjectRun = await _tool.RunAsync("validate-config", "-m", Project + ":MailWorker");
        SourceRun = await _tool.RunAsync("validate-config", "-m", SourceFile, "--json");
    }

    public ValueTask DisposeAsync()
    {
        _tool.Dispose();
        Directory.Delete(Tool.Cache, recursive: true);
        return ValueTask.CompletedTask;
    }
}
