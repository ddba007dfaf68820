using System.Text.Json.Nodes;
using RabbitArq.Cli.Localization;

namespace RabbitArq.Cli.Targets;

/// <summary>Builds a project as <c>dotnet run</c> would, and says where its assembly is.</summary>
internal sealed class ProjectBuild(Action<string> note)
{
    /// <exception cref="CliException">It does not build; the details are the compiler's errors.</exception>
    public async Task<string> RunAsync(string project, CancellationToken cancellationToken)
    {
        note(Texts.Building(project));
        var directory = Path.GetDirectoryName(project)!;
        var (exitCode, lines) = await DotnetCommand.RunAsync(["build", project, "-nologo", "-v:q", "-tl:off"], directory, cancellationToken);
        if (exitCode != 0)
        {
            throw Failed(project, lines);
        }

        (exitCode, lines) = await DotnetCommand.RunAsync(
            ["msbuild", project, "-nologo", "-getProperty:TargetPath,TargetFrameworks"], directory, cancellationToken);
        if (exitCode != 0)
        {
            throw Failed(project, lines);
        }

        var properties = JsonNode.Parse(string.Join('\n', lines))!["Properties"]!;
        var path = (string?)properties["TargetPath"];
        return !string.IsNullOrEmpty(path) && File.Exists(path)
            ? path
            : throw new CliException(Texts.BuildNoTarget(project, (string?)properties["TargetFrameworks"] ?? ""), Texts.BuildNoTargetAdvice());
    }

    internal static CliException Failed(string path, IReadOnlyList<string> lines)
    {
        var errors = DotnetCommand.ErrorsOf(lines);
        return new CliException(Texts.BuildFailed(path), Texts.BuildFailedAdvice()) { Details = errors.Count > 0 ? errors : [.. lines.TakeLast(10)] };
    }
}
