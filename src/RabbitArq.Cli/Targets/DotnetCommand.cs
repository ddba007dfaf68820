using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using RabbitArq.Cli.Localization;

namespace RabbitArq.Cli.Targets;

/// <summary>Runs the .NET SDK that this tool itself runs on.</summary>
internal static class DotnetCommand
{
    /// <summary>A build that takes longer hangs.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    /// <summary>How long the streams may stay open after the end: a compiler server that lives on has inherited them.</summary>
    private static readonly TimeSpan StreamLimit = TimeSpan.FromSeconds(5);

    /// <summary>Runs a command and collects what it prints.</summary>
    /// <returns>Exit code and lines of standard output.</returns>
    /// <exception cref="CliException">There is no SDK.</exception>
    public static async Task<(int ExitCode, IReadOnlyList<string> Lines)> RunAsync(IReadOnlyList<string> arguments, string directory, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(FindDotnet(), arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Start(start);
        process.StandardInput.Close();
        var lines = new List<string>();
        var output = Task.WhenAll(CollectAsync(process.StandardOutput, lines), CollectAsync(process.StandardError, lines));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        await output.WaitAsync(StreamLimit, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (lines)
        {
            return (process.ExitCode, [.. lines]);
        }
    }

    /// <summary>What the compiler and the build complain of, each once, as <c>file(line,column): error CS0000: text</c>.</summary>
    public static IReadOnlyList<string> ErrorsOf(IEnumerable<string> lines) =>
        [.. lines.Select(line => line.Trim())
            .Where(line => line.Contains(": error ", StringComparison.Ordinal) || line.StartsWith("error ", StringComparison.Ordinal))
            .Select(line => line.EndsWith(']') && line.LastIndexOf(" [", StringComparison.Ordinal) is > 0 and var project ? line[..project] : line)
            .Distinct().Take(20)];

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new CliException(Texts.SdkMissing(start.FileName, exception.Message), Texts.SdkMissingAdvice(), innerException: exception);
        }
    }

    private static async Task CollectAsync(StreamReader reader, List<string> lines)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (lines)
            {
                lines.Add(line);
            }
        }
    }

    /// <summary>The runtime's folder is <c>ROOT/shared/Microsoft.NETCore.App/VERSION</c>.</summary>
    private static string FindDotnet()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        var path = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", name));
        return File.Exists(path) ? path : name;
    }
}
