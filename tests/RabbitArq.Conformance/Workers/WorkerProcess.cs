using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Shouldly;

namespace RabbitArq.Conformance.Workers;

/// <summary>A process that runs <see cref="WorkerHost"/>; ended with the test, however the test ends.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _listening;
    private readonly Task<string> _errors;
    private readonly string? _password;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private WorkerProcess(Process process, string? password)
    {
        _process = process;
        _password = password;
        _errors = process.StandardError.ReadToEndAsync();
        _listening = Task.Run(ListenAsync);
    }

    /// <summary>What its jobs said, as (verb, number, rest).</summary>
    public IReadOnlyList<string[]> Said => [.. _lines.Select(line => line.Split(' '))];

    public IEnumerable<int> Ended => Numbers("end");

    public IEnumerable<int> Run => Numbers("run");

    public static async Task<WorkerProcess> StartAsync(WorkerFixture fixture, string queue, TimeSpan completionWait, TimeSpan limit)
    {
        var tests = Path.Combine(AppContext.BaseDirectory, Assembly.GetEntryAssembly()!.GetName().Name!);
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "exec", "--runtimeconfig", tests + ".runtimeconfig.json", "--depsfile", tests + ".deps.json",
                typeof(WorkerProcess).Assembly.Location, WorkerHost.Verb, fixture.Url, queue, fixture.QueueType.ToString(),
                completionWait.TotalMilliseconds.ToString(CultureInfo.InvariantCulture), limit.TotalMilliseconds.ToString(CultureInfo.InvariantCulture),
            },
        };
        var process = new WorkerProcess(Process.Start(start) ?? throw new InvalidOperationException("The process did not start."), fixture.Password);
        await process._ready.Task.Within(what: "the start of the worker process");
        return process;
    }

    /// <summary>Sends a signal by name, as a shell does.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", ["-" + signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync().Within();
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Its exit code and how long it took from now.</returns>
    public async Task<(int ExitCode, TimeSpan After)> ExitAsync()
    {
        var started = TimeProvider.System.GetTimestamp();
        await _process.WaitForExitAsync().Within(TimeSpan.FromSeconds(60));
        var after = TimeProvider.System.GetElapsedTime(started);
        await _listening.Within();
        return (_process.ExitCode, after);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await _listening.WaitAsync(TimeSpan.FromSeconds(30));
        var log = await _errors.WaitAsync(TimeSpan.FromSeconds(30));
        _process.Dispose();
        if (_password is not null)
        {
            // What a worker writes to its console, as it is by default.
            log.ShouldNotContain(_password);
        }
    }

    private IEnumerable<int> Numbers(string verb) =>
        Said.Where(words => words[0] == verb).Select(words => int.Parse(words[1], CultureInfo.InvariantCulture));

    private async Task ListenAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            _lines.Enqueue(line);
            if (line == "ready")
            {
                _ready.TrySetResult();
            }
        }

        _ready.TrySetException(new InvalidOperationException("The worker process ended before it was ready: " + await _errors));
    }
}
