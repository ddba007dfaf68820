using System.Globalization;
using System.Text.Json.Nodes;
using RabbitArq.Cli.Localization;
using Spectre.Console;

namespace RabbitArq.Cli.Output;

/// <summary>What a worker has done, when it has ended.</summary>
internal static class SummaryReport
{
    public static void Write(CliOutput output, WorkerSummary summary, bool burst, string? signal)
    {
        if (summary.Jobs.Count > 0)
        {
            output.Out.Write(ToTable(summary));
        }

        if (summary.BurstTimedOut)
        {
            CliOutput.WriteLine(Texts.SummaryTimedOut());
        }

        var reason = signal is not null ? Texts.SummarySignal(signal) : burst ? Texts.SummaryBurst(Duration(summary.Elapsed)) : Texts.SummaryEnded();
        CliOutput.WriteLine(Texts.SummaryLine(reason, summary.Completed, summary.Failed, summary.Retried, summary.Running + summary.Interrupted));
    }

    public static JsonObject ToJson(WorkerSummary summary, bool burst, string? signal) => new()
    {
        ["ok"] = !summary.BurstTimedOut,
        ["worker"] = summary.WorkerName,
        ["burst"] = burst,
        ["burst_timed_out"] = summary.BurstTimedOut,
        ["signal"] = signal,
        ["elapsed_seconds"] = Seconds(summary.Elapsed),
        ["completed"] = summary.Completed,
        ["failed"] = summary.Failed,
        ["retried"] = summary.Retried,
        ["expired"] = summary.Expired,
        ["interrupted"] = summary.Interrupted,
        ["stuck"] = summary.Stuck,
        ["running"] = summary.Running,
        ["hook_failures"] = summary.HookFailures,
        ["jobs"] = new JsonObject(summary.Jobs.OrderBy(job => job.Key, StringComparer.Ordinal).Select(job => KeyValuePair.Create(job.Key, (JsonNode?)new JsonObject
        {
            ["completed"] = job.Value.Completed,
            ["failed"] = job.Value.Failed,
            ["retried"] = job.Value.Retried,
            ["p50_seconds"] = Seconds(job.Value.P50),
            ["p95_seconds"] = Seconds(job.Value.P95),
            ["p99_seconds"] = Seconds(job.Value.P99),
            ["max_seconds"] = Seconds(job.Value.Max),
        }))),
    };

    private static Table ToTable(WorkerSummary summary)
    {
        var table = new Table().Border(TableBorder.Simple).ShowFooters();
        string[] titles =
        [
            Texts.ColumnCompleted(), Texts.ColumnFailed(), Texts.ColumnRetried(), "p50", "p95", "p99", Texts.ColumnMax(),
        ];
        string[] totals = [Number(summary.Completed), Number(summary.Failed), Number(summary.Retried), "", "", "", ""];
        table.AddColumn(new TableColumn(Texts.ColumnJob()).Footer(Texts.RowTotal()));
        foreach (var (title, total) in titles.Zip(totals))
        {
            table.AddColumn(new TableColumn(title).Footer(total).RightAligned());
        }

        foreach (var (name, job) in summary.Jobs.OrderBy(job => job.Key, StringComparer.Ordinal))
        {
            table.AddRow([
                new Text(name), .. new[] { Number(job.Completed), Number(job.Failed), Number(job.Retried), Duration(job.P50), Duration(job.P95), Duration(job.P99), Duration(job.Max) }
                    .Select(text => new Text(text)),
            ]);
        }

        return table;
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static double Seconds(TimeSpan duration) => Math.Round(duration.TotalSeconds, 6);

    private static string Duration(TimeSpan duration) => duration switch
    {
        { TotalMilliseconds: < 10 } => duration.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture) + " ms",
        { TotalSeconds: < 1 } => duration.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture) + " ms",
        { TotalMinutes: < 2 } => duration.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s",
        _ => duration.TotalMinutes.ToString("0.0", CultureInfo.InvariantCulture) + " min",
    };
}
