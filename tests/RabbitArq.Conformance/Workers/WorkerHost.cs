using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using RabbitArq.Routing;

namespace RabbitArq.Conformance.Workers;

/// <summary>
/// A worker in a process of its own, for what signals and kills do to it. It tells on its standard output what its jobs
/// do: <c>run N ATTEMPT</c>, <c>end N</c>; at last <c>summary COMPLETED INTERRUPTED RUNNING</c>.
/// </summary>
internal static class WorkerHost
{
    public const string Verb = "worker";

    /// <param name="arguments">URL, queue, queue type, milliseconds of JobCompletionWait and of GracefulShutdownTimeout.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var settings = new WorkerSettings
        {
            Connection = { Url = arguments[0] },
            QueueName = arguments[1],
            QueueType = Enum.Parse<QueueType>(arguments[2]),
            JobCompletionWait = Milliseconds(arguments[3]),
            GracefulShutdownTimeout = Milliseconds(arguments[4]),
            LogLevel = LogLevel.Warning,
        };
        settings.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        settings.Hooks.Startup = (_, _) => Say("ready");
        settings.Functions
            .Add("work", async (int number, JobContext context, CancellationToken cancellation) =>
            {
                await Say($"run {number} {context.Attempt}");
                if (number % 10 == 0)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
                }

                await Say($"end {number}");
            })
            .Add("deaf", async (int number, JobContext context) =>
            {
                await Say($"run {number} {context.Attempt}");
                await Task.Delay(Timeout.InfiniteTimeSpan, CancellationToken.None);
            });
        var summary = await Worker.RunAsync(settings);
        await Say($"summary {summary.Completed} {summary.Interrupted} {summary.Running}");
        return 0;
    }

    private static TimeSpan Milliseconds(string text) => TimeSpan.FromMilliseconds(int.Parse(text, CultureInfo.InvariantCulture));

    private static Task Say(string line)
    {
        // Console writes whole lines and flushes them: what was said is in the pipe, whatever becomes of the process.
        Console.WriteLine(line);
        return Task.CompletedTask;
    }
}
