using RabbitArq.Cli.Localization;
using RabbitArq.Hosting;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace RabbitArq.Cli.Output;

/// <summary>A progress bar below the log while a burst runs on a terminal.</summary>
internal sealed class BurstScreen(CliOutput output)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private bool _isLive;

    /// <summary>Whether a person watches.</summary>
    public static bool IsPossible(CliOutput output) => output.IsTerminal && !Console.IsErrorRedirected;

    /// <summary>Writes a log line, above the bar while there is one.</summary>
    public void WriteLine(string line)
    {
        lock (_lock)
        {
            if (_isLive)
            {
                output.Error.Write(new LineAboveBar(line));
            }
            else
            {
                CliOutput.WriteErrorLine(line);
            }
        }
    }

    public async Task<WorkerSummary> RunAsync(StandaloneWorker worker, CancellationToken cancellationToken)
    {
        var run = worker.RunAsync(cancellationToken);
        await Task.WhenAny(worker.Started, run);
        if (!run.IsCompleted)
        {
            await ShowAsync(worker, run);
        }

        return await run;
    }

    private async Task ShowAsync(StandaloneWorker worker, Task run)
    {
        SetLive(true);
        try
        {
            await output.Error.Progress()
                .AutoClear(true)
                .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ElapsedTimeColumn())
                .StartAsync(async context =>
                {
                    var bar = context.AddTask(Texts.BurstLooking());
                    bar.IsIndeterminate = true;
                    while (!run.IsCompleted)
                    {
                        Update(bar, worker.Progress);
                        await Task.WhenAny(run, Task.Delay(Interval, TimeProvider.System));
                    }

                    Update(bar, worker.Progress);
                });
        }
        finally
        {
            SetLive(false);
        }
    }

    private static void Update(ProgressTask bar, WorkerProgress progress)
    {
        if (progress.Total is not { } total)
        {
            return;
        }

        bar.IsIndeterminate = false;
        bar.MaxValue = Math.Max(total, 1);
        bar.Value = total == 0 ? 1 : progress.Settled;
        bar.Description = Markup.Escape(Texts.BurstProgress(progress.Settled, total, progress.Running, progress.Failed, progress.Retried));
    }

    /// <summary>
    /// A line in one piece, because between two the bar would be drawn into it. The bar is not erased before a line is
    /// written over it, so the line does that; the terminal wraps it, so that it can be copied whole.
    /// </summary>
    private sealed class LineAboveBar(string line) : Renderable
    {
        private const string EraseToEndOfScreen = "\u001b[J";

        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            [Segment.Control(EraseToEndOfScreen), new Segment(line), Segment.LineBreak];
    }

    private void SetLive(bool live)
    {
        lock (_lock)
        {
            _isLive = live;
        }
    }
}
