using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RabbitArq;
using RabbitArq.Retries;
using Snippets;

// Runs the examples of the documents one after the other on the embedded broker, in a folder of its own, and ends with 0
// when each did what its document says.
var folder = Directory.CreateTempSubdirectory("rabbitarq-snippets-").FullName;
var start = Directory.GetCurrentDirectory();
Directory.SetCurrentDirectory(folder);

// What code does not set comes from the environment; here that shall be the same everywhere.
Environment.SetEnvironmentVariable("RABBITMQ_URL", "sqlite:images.db");
using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
try
{
    Check("host", await WorkerExamples.HostAsync([]), "'Welcome!' sent to ada@example.com");
    await RunMailAsync();
    await RunImagesAsync();
    return 0;
}
finally
{
    Directory.SetCurrentDirectory(start);
    Directory.Delete(folder, recursive: true);
}

async Task RunMailAsync()
{
    const string Url = "sqlite:mail.db";
    var worker = WorkerExamples.Standalone("mail.db");
    JobSettingsExamples.Lambda(worker);
    JobSettingsExamples.Hooks(worker);
    JobSettingsExamples.Json(worker);
    WorkerExamples.Queues(worker);
    worker.Functions.Add<ContextJobs>();
    worker.Services.AddSingleton<HttpClient>();
    worker.Failures.Retry<QuotaException>();
    worker.LogLevel = LogLevel.Critical;
    worker.Functions.Add("no_luck", string () => throw new ArgumentException("no luck"));

    var first = await EnqueueExamples.StandaloneAsync(Url);
    await using var client = await JobClient.ConnectAsync(Url, settings => settings.QueueName = "mail");
    using var stop = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token);
    var running = Worker.RunAsync(worker, stop.Token);


    // A worker that cannot start ends at once, and its error is the one to see.
    var checks = CheckMailAsync(client, Url, first);
    await await Task.WhenAny(checks, running);
    await checks;
    await stop.CancelAsync();
    Check("worker-standalone", (await running).Failed, 1L);
}

async Task CheckMailAsync(JobClient client, string url, JobHandle first)
{
    Check("client", await EnqueueExamples.ResultAsync(client, first.JobId), "'Welcome!' sent to ada@example.com");
    var parcel = await EnqueueExamples.OptionsAsync(client);
    var report = await EnqueueExamples.BatchAsync(client, ["bo@example.com", "cy@example.com"]);
    Check("enqueue-batch", report.Confirmed, 2);
    Check("enqueue-errors", await EnqueueExamples.ErrorsAsync(client, "0123456789abcdef0123456789abcdef"), true);
    await File.WriteAllTextAsync("one.txt", "one");
    Directory.CreateDirectory("in");
    File.Move("one.txt", Path.Combine("in", "one.txt"));
    var import = await client.EnqueueAsync("import_folder", Path.GetFullPath("in"));
    Check("job-context", await import.ResultAsync<int>(TimeSpan.FromSeconds(30)), 1);
    var noLuck = await client.EnqueueAsync("no_luck");
    Check("results", await EnqueueExamples.ResultAsync(client, noLuck.JobId), "ArgumentException: no luck");
    Check("dead-letters", await WorkerExamples.LookAtDeadLettersAsync(url, timeout.Token), "ArgumentException: no luck");
    Check("enqueue-options", await parcel.ResultAsync<string>(TimeSpan.FromSeconds(30)), "42 to Turin by Post, 1 labels");
    var sum = await client.EnqueueAsync("add", 40, 2);
    Check("job-lambda", await sum.ResultAsync<int>(TimeSpan.FromSeconds(30)), 42);
}

async Task RunImagesAsync()
{
    var rules = new WorkerSettings();
    JobSettingsExamples.Rules(rules);
    Check("failure-rules", rules.Failures.Classify(new HttpRequestException()), FailureCategory.NonRetriable);

    await File.WriteAllBytesAsync("image", new byte[8000]);
    await using var client = await JobClient.ConnectAsync("sqlite:images.db", settings => settings.QueueName = "images");
    var image = await client.EnqueueAsync("resize", Path.GetFullPath("image"));
    await client.EnqueueAsync("ping");
    Check("worker-run", (await WorkerExamples.BurstAsync()).Completed, 2L);
    Check("job-static", await image.ResultAsync<int>(TimeSpan.FromSeconds(5)), 10);
}

static void Check<T>(string snippet, T value, T expected)
{
    if (!Equals(value, expected))
    {
        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"The snippet {snippet} gave {value}, not {expected}."));
    }

    Console.WriteLine($"{snippet}: {value}");
}
