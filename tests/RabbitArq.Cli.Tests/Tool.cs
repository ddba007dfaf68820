using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

/// <summary>What a run of the tool has left.</summary>
internal sealed record ToolRun(int ExitCode, string Out, string Error)
{
    /// <summary>Standard output, which must be one JSON object.</summary>
    public JsonObject Json => JsonNode.Parse(Out)!.AsObject();

    public ToolRun ShouldExitWith(int exitCode)
    {
        ExitCode.ShouldBe(exitCode, $"--- standard output\n{Out}\n--- standard error\n{Error}");
        return this;
    }
}

/// <summary>Runs the built tool in a folder of the test's own, with no settings from outside.</summary>
internal sealed class Tool : IDisposable
{
    /// <summary>A password that tests put into URLs. It must not be in the output of any run.</summary>
    public const string Secret = "s3cr3t-pa55";

    /// <summary>Generous: several processes may compete for two slow cores.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private readonly Dictionary<string, string?> _environment = new()
    {
        ["ARQ_LANG"] = "en",
        ["DOTNET_NOLOGO"] = "1",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
        ["XDG_CACHE_HOME"] = Cache,
    };

    /// <summary>One for all tests: a file of the same content at the same place is compiled once.</summary>
    public static string Cache { get; } = Directory.CreateTempSubdirectory("rabbitarq-cli-cache-").FullName;

    public static string Configuration { get; } = Metadata("Configuration");

    public static string ProjectFolder { get; } = Metadata("ToolProject");

    public static string Assembly { get; } = Path.Combine(ProjectFolder, "bin", Configuration, "net10.0", "rabbitmq-arq.dll");

    public static string Dotnet { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    /// <summary>The test's own folder, in which the tool runs.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("rabbitarq-cli-").FullName;

    public string BrokerUrl => "sqlite:" + Path.Combine(Folder, "broker.db");

    /// <summary>The program to run instead of the built one, for the installed tool.</summary>
    public string? Program { get; init; }

    public Tool With(string variable, string? value)
    {
        _environment[variable] = value;
        return this;
    }

    /// <summary>Uses a broker file in the test's folder.</summary>
    public Tool WithBroker() => With("RABBITMQ_URL", BrokerUrl);

    public string Write(string name, string content)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Runs to the end.</summary>
    public Task<ToolRun> RunAsync(params string[] arguments) => RunAsync(null, arguments);

    public async Task<ToolRun> RunAsync(string? input, string[] arguments)
    {
        using var process = Start(arguments);
        if (input is not null)
        {
            await process.Input.WriteLineAsync(input);
        }

        process.Input.Close();
        return await process.EndAsync(Limit);
    }

    public RunningTool Start(params string[] arguments)
    {
        var start = Program is null ? new ProcessStartInfo(Dotnet, ["exec", Assembly, .. arguments]) : new ProcessStartInfo(Program, arguments);
        start.WorkingDirectory = Folder;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        foreach (var name in start.Environment.Keys.Where(IsOurs).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in _environment)
        {
            start.Environment[name] = value;
        }

        return new RunningTool(Process.Start(start)!);
    }

    /// <summary>Runs another program, such as the SDK.</summary>
    public async Task<ToolRun> RunProgramAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = new RunningTool(Process.Start(start)!);
        process.Input.Close();
        return await process.EndAsync(Limit);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static bool IsOurs(string name) =>
        name.StartsWith("ARQ_", StringComparison.Ordinal) || name is "RABBITMQ_URL" or "DOTNET_ENVIRONMENT" or "ASPNETCORE_ENVIRONMENT" or "LANG" or "LC_ALL"
        || name.StartsWith("RabbitArq__", StringComparison.OrdinalIgnoreCase);

    private static string Metadata(string key) =>
        typeof(Tool).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == key).Value!;
}

/// <summary>The tool while it runs.</summary>
internal sealed partial class RunningTool : IDisposable
{
    private readonly Process _process;
    private readonly Lines _out;
    private readonly Lines _error;

    public RunningTool(Process process)
    {
        _process = process;
        _out = new Lines(process.StandardOutput);
        _error = new Lines(process.StandardError);
    }

    public StreamWriter Input => _process.StandardInput;

    /// <summary>Waits for a line of standard error that has a text.</summary>
    public Task<string> ErrorLineAsync(string text) => _error.FindAsync(text);

    /// <summary>Sends a signal, as a terminal or a supervisor would.</summary>
    public void Signal(PosixSignal signal) => Kill(_process.Id, signal == PosixSignal.SIGINT ? 2 : 15).ShouldBe(0);

    public async Task<ToolRun> EndAsync(TimeSpan limit)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(limit);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The tool has not ended within {limit}.\n--- standard output\n{_out.Text}\n--- standard error\n{_error.Text}");
        }

        await Task.WhenAll(_out.Ended, _error.Ended).WaitAsync(limit, TestContext.Current.CancellationToken);
        var run = new ToolRun(_process.ExitCode, _out.Text, _error.Text);
        (run.Out + run.Error).ShouldNotContain(Tool.Secret);
        return run;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);

    /// <summary>Lines as they come, with a wait for one of them.</summary>
    private sealed class Lines
    {
        private readonly Lock _lock = new();
        private readonly List<string> _lines = [];
        private readonly List<(string Text, TaskCompletionSource<string> Found)> _waiting = [];

        public Lines(StreamReader reader) => Ended = ReadAsync(reader);

        public Task Ended { get; }

        public string Text
        {
            get
            {
                lock (_lock)
                {
                    return string.Join('\n', _lines);
                }
            }
        }

        public async Task<string> FindAsync(string text)
        {
            var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_lock)
            {
                if (_lines.Find(line => line.Contains(text, StringComparison.Ordinal)) is { } known)
                {
                    return known;
                }

                _waiting.Add((text, found));
            }

            try
            {
                return await found.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            }
            catch (TimeoutException)
            {
                throw new TimeoutException($"No line with '{text}' in:\n{Text}");
            }
        }

        private async Task ReadAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                lock (_lock)
                {
                    _lines.Add(line);
                    foreach (var (_, found) in _waiting.Where(one => line.Contains(one.Text, StringComparison.Ordinal)))
                    {
                        found.TrySetResult(line);
                    }
                }
            }
        }
    }
}
