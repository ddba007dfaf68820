using System.Runtime.InteropServices;
using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class SignalTests(BuiltTargets built) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Tool _tool = new Tool().WithBroker();

    public void Dispose() => _tool.Dispose();

    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    public async Task A_signal_ends_an_idle_worker_gracefully(PosixSignal signal)
    {
        using var worker = _tool.Start("worker", "-m", built.SourceFile);
        await worker.ErrorLineAsync("[1000]");

        worker.Signal(signal);

        (await worker.EndAsync(Limit)).ShouldExitWith(0).Out.ShouldContain($"received {signal} ◆ 0 jobs complete");
    }

    [Fact]
    public async Task A_second_signal_hands_the_running_job_back_at_once()
    {
        (await _tool.RunAsync("enqueue", "hold")).ShouldExitWith(0);
        using var worker = _tool.Start("worker", "-m", built.SourceFile, "--set", "worker.job_completion_wait=10m", "--set", "worker.graceful_shutdown_timeout=10m");
        await worker.ErrorLineAsync("holding");

        worker.Signal(PosixSignal.SIGINT);
        await worker.ErrorLineAsync("[1002]");
        worker.Signal(PosixSignal.SIGINT);

        (await worker.EndAsync(Limit)).ShouldExitWith(0).Out.ShouldContain("◆ 0 jobs complete ◆ 0 failed ◆ 0 retries ◆ 1 to do");
        var queue = (await _tool.RunAsync("queue-info", "--json")).ShouldExitWith(0).Json["queues"]![0]!;
        queue["ready"]!.GetValue<int>().ShouldBe(1);
    }
}
