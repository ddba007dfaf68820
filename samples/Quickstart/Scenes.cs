using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Quickstart.Localization;
using RabbitArq;
using RabbitArq.Brokers;
using RabbitArq.Routing;

namespace Quickstart;

/// <summary>The scenes of the quickstart, in the order in which they are shown.</summary>
internal static class Scenes
{
    private const string QueueName = "quickstart";
    private static readonly ConcurrentQueue<string> Story = new();

    /// <summary>Everything in one process: enqueue, work until the queue is empty, look at what came of it.</summary>
    public static async Task<int> AllAsync(string url)
    {
        var jobs = await EnqueueAsync(url);
        if (jobs is null)
        {
            return 1;
        }

        var exitCode = await WorkAsync(url, burst: true, expected: jobs.Count);
        await ShowResultsAsync(url, jobs);
        await ShowDeadLetterAsync(url, jobs.Single(job => job.Function == "translate_document").JobId);
        return exitCode;
    }

    /// <summary>Enqueues two jobs for each document of the repository, one that recovers and one that cannot.</summary>
    /// <returns>The id of each job with the document and the job's name; null when a job was not enqueued.</returns>
    public static async Task<IReadOnlyList<(string JobId, string Function, string Path)>?> EnqueueAsync(string url)
    {
        await using var client = await JobClient.ConnectAsync(url, settings => settings.QueueName = QueueName);
        var requests = Documents()
            .SelectMany(path => new[] { new JobRequest("count_words") { Args = [path] }, new JobRequest("hash_document") { Args = [path] } })
            .Append(new JobRequest("fetch_summary") { Args = ["README"] })
            .Append(new JobRequest("translate_document") { NamedArgs = new Dictionary<string, object?> { ["path"] = "README.md", ["language"] = "Klingon" } })
            .ToList();
        var watch = Stopwatch.StartNew();
        var report = await client.EnqueueManyAsync(requests);
        Console.WriteLine(Texts.Enqueued(report.Confirmed, requests.Count, watch.ElapsedMilliseconds));
        foreach (var failed in report.Items.Where(item => item.Error is not null).Take(3))
        {
            Console.Error.WriteLine(failed.Error!.Message);
        }

        return report.Failed > 0
            ? null
            : [.. report.Items.Select(item => (item.Handle!.JobId, item.Request.Function, item.Request.Args is [string path, ..] ? path : "README.md"))];
    }

    /// <summary>Runs a worker: until the queue is empty, or until Ctrl-C.</summary>
    public static async Task<int> WorkAsync(string url, bool burst, int? expected)
    {
        var done = 0;
        var lastShown = -1;
        var settings = new WorkerSettings
        {
            QueueName = QueueName,
            MaxConcurrentJobs = 20,
            RetryBackoff = TimeSpan.FromSeconds(0.5),
            BurstMode = burst,
            BurstCountDelayed = true,
            BurstCheckInterval = TimeSpan.FromSeconds(0.2),

            // This sample tells the story itself; leave the level alone to read the worker's own log.
            LogLevel = burst ? LogLevel.Critical : LogLevel.Information,
            ResultStoreUrl = StoreUrl(url),
        };
        settings.Connection.Url = url;
        settings.Functions.Add(typeof(DocumentJobs));
        settings.Hooks.JobFailure = (context, exception) =>
        {
            Story.Enqueue(Texts.AttemptFailed(context.Function, context.Attempt, context.MaxAttempts, exception.GetType().Name, exception.Message));
            return Task.CompletedTask;
        };
        settings.Hooks.JobSuccess = (context, result) =>
        {
            if (context.Attempt > 1)
            {
                Story.Enqueue(Texts.AttemptSucceeded(context.Function, context.Attempt, result?.ToString() ?? ""));
            }

            return Task.CompletedTask;
        };
        settings.Hooks.JobEnd = _ =>
        {
            if (expected is { } all)
            {
                ShowProgress(Interlocked.Increment(ref done), all, ref lastShown);
            }

            return Task.CompletedTask;
        };
        var summary = await Worker.RunAsync(settings);
        if (burst && !Console.IsOutputRedirected)
        {
            Console.WriteLine();
        }

        Console.WriteLine(Texts.Worked(summary.Completed, summary.Failed, summary.Retried, summary.Elapsed.TotalSeconds));
        foreach (var (name, job) in summary.Jobs.OrderBy(job => job.Key, StringComparer.Ordinal))
        {
            Console.WriteLine(Texts.WorkedJob(name, job.Completed, job.Failed, job.P50.TotalMilliseconds, job.P99.TotalMilliseconds));
        }

        if (!Story.IsEmpty)
        {
            Console.WriteLine();
            Console.WriteLine(Texts.RetryStory());
        }

        while (Story.TryDequeue(out var line))
        {
            Console.WriteLine("  " + line);
        }

        return summary.BurstTimedOut ? 1 : 0;
    }

    private static async Task ShowResultsAsync(string url, IReadOnlyList<(string JobId, string Function, string Path)> jobs)
    {
        await using var client = await JobClient.ConnectAsync(url, settings =>
        {
            settings.QueueName = QueueName;
            settings.ResultStoreUrl = StoreUrl(url);
        });
        var words = new List<(string Path, int Words)>();
        foreach (var (jobId, _, path) in jobs.Where(job => job.Function == "count_words"))
        {
            words.Add((path, await client.GetHandle(jobId).ResultAsync<int>(TimeSpan.FromSeconds(5))));
        }

        Console.WriteLine();
        Console.WriteLine(Texts.Results(words.Sum(w => w.Words), words.Count));
        foreach (var (path, count) in words.OrderByDescending(w => w.Words).Take(5))
        {
            Console.WriteLine($"  {count,8:N0}  {Path.GetRelativePath(Root(), path)}");
        }
    }

    private static async Task ShowDeadLetterAsync(string url, string jobId)
    {
        // Looking into a queue without taking anything: what is handed back is there for the next reader.
        await using var broker = await Broker.OpenAsync(url);
        var deadLetters = new JobQueue(QueueName).DeadLetterQueueName;
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(deadLetters, PrefetchCount: 1000));
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var delivery = await consumer.Deliveries.ReadAsync(timeout.Token);
        var others = new List<Delivery>();
        while (delivery.Message.MessageId != jobId)
        {
            // One of an earlier run, on a broker that lives longer than this sample.
            others.Add(delivery);
            delivery = await consumer.Deliveries.ReadAsync(timeout.Token);
        }

        Console.WriteLine();
        Console.WriteLine(Texts.DeadLetter(deadLetters));
        foreach (var header in new[] { "x-job-id", "x-error-type", "x-error-message", "x-error-category", "x-attempts", "x-failed-at", "x-first-queue" })
        {
            Console.WriteLine($"  {header,-17} {delivery.Message.Headers.GetValueOrDefault(header)}");
        }

        Console.WriteLine($"  {"body",-17} {System.Text.Encoding.UTF8.GetString(delivery.Message.Body.Span)}");
        foreach (var seen in others.Append(delivery))
        {
            await seen.SettleAsync(Settlement.Requeue, timeout.Token);
        }
    }

    private static void ShowProgress(int done, int all, ref int lastShown)
    {
        // The retries of one job make a few runs more than jobs.
        var percent = Math.Min(100, done * 100 / all);
        var step = Console.IsOutputRedirected ? 25 : 1;
        var previous = Volatile.Read(ref lastShown);
        if (percent / step <= previous / step && previous >= 0 || Interlocked.CompareExchange(ref lastShown, percent, previous) != previous)
        {
            return;
        }

        var bar = new string('#', percent * 40 / 100).PadRight(40, '.');
        Console.Write(Console.IsOutputRedirected ? $"{Texts.Progress(percent)}{Environment.NewLine}" : $"\r[{bar}] {Texts.Progress(percent)}");
    }

    /// <summary>With RabbitMQ, results need a store of their own; the embedded broker keeps them in its file.</summary>
    private static string? StoreUrl(string url) =>
        url.StartsWith("sqlite:", StringComparison.Ordinal) ? null : $"sqlite:{Path.Combine(Path.GetTempPath(), "quickstart-results.db")}";

    private static IEnumerable<string> Documents() =>
        Directory.EnumerateFiles(Root(), "*", SearchOption.AllDirectories)
            .Where(path => Path.GetExtension(path) is ".md" or ".cs" or ".csproj" or ".resx" or ".sh" or ".props" or ".txt")
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj" or ".git" or "artifacts"))
            .Order(StringComparer.Ordinal)
            .Take(200);

    /// <summary>The repository's folder, or the working directory outside of it.</summary>
    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RabbitArq.slnx")))
            {
                return folder.FullName;
            }
        }

        return Directory.GetCurrentDirectory();
    }
}
