using RabbitArq.Cli.Configuration;
using RabbitArq.Cli.Output;
using RabbitArq.Cli.Targets;
using RabbitArq.Hosting;

namespace RabbitArq.Cli.Commands;

/// <summary>Runs the worker that a class describes.</summary>
internal sealed class WorkerCommand(CliSettings settings, CliOutput output, TargetLoader targets)
{
    /// <returns>Failed when a burst ran out of time; a job that was dead-lettered is no failure of the worker.</returns>
    public async Task<int> RunAsync(string target, CancellationToken cancellationToken)
    {
        var worker = await targets.LoadAsync(target, cancellationToken);
        var resolved = settings.Resolve(worker);
        var screen = new BurstScreen(output);
        WorkerSummary summary;
        var running = new StandaloneWorker(resolved, CliLog.Create(worker, screen.WriteLine));
        await using (running)
        {
            summary = worker.BurstMode && BurstScreen.IsPossible(output)
                ? await screen.RunAsync(running, cancellationToken)
                : await running.RunAsync(cancellationToken);
        }

        if (output.IsJson)
        {
            CliOutput.WriteJson(SummaryReport.ToJson(summary, worker.BurstMode, running.StopSignal));
        }
        else
        {
            SummaryReport.Write(output, summary, worker.BurstMode, running.StopSignal);
        }

        return summary.BurstTimedOut ? ExitCode.Failed : ExitCode.Ok;
    }
}
