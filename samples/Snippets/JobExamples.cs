using System.Globalization;
using System.Net;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using RabbitArq;
using RabbitArq.Messages;

namespace Snippets;

#region job-class
public sealed class MailJobs(Mailer mailer)
{
    [Job]
    public Task<string> SendWelcomeAsync(string address, CancellationToken cancellationToken) =>
        mailer.SendAsync(address, "Welcome!", cancellationToken);
}
#endregion

#region job-static
public static class Images
{
    [Job("resize", MaxRetries = 5, TimeoutSeconds = 60, MaxConcurrentJobs = 2)]
    public static async Task<int> ResizeAsync(string path, int width = 800, CancellationToken cancellationToken = default)
    {
        var bytes = await File.ReadAllBytesAsync(path, cancellationToken);
        return bytes.Length / width;
    }
}
#endregion

#region job-arguments
public sealed record Address(string Street, string City);

public sealed class ParcelJobs
{
    [Job]
    public string ShipParcel(int orderId, Address to, string[] labels, Carrier carrier = Carrier.Post) =>
        $"{orderId} to {to.City} by {carrier}, {labels.Length} labels";
}
#endregion

public enum Carrier
{
    Post,
    Courier,
}

public sealed class ContextJobs
{
    #region job-context
    [Job]
    public async Task<int> ImportFolderAsync(string folder, JobContext context)
    {
        var files = Directory.GetFiles(folder);
        for (var i = 0; i < files.Length; i++)
        {
            context.Logger.LogInformation("{File}, attempt {Attempt} of {Max}", files[i], context.Attempt, context.MaxAttempts);
            await context.EnqueueAsync("import_file", files[i]);
            await context.ReportProgressAsync((i + 1.0) / files.Length, files[i]);
        }

        return files.Length;
    }
    #endregion

    #region job-retry
    [Job]
    public async Task FetchRatesAsync(HttpClient http, string url, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(url, cancellationToken);
        if (response.StatusCode == HttpStatusCode.TooManyRequests)
        {
            throw new RetryException(response.Headers.RetryAfter?.Delta, "the rate server asked us to slow down");
        }

        response.EnsureSuccessStatusCode();
    }
    #endregion
}

#region middleware
public sealed class TimingMiddleware : IJobMiddleware
{
    public async ValueTask<object?> InvokeAsync(JobContext context, JobDelegate next)
    {
        var result = await next(context);
        context.Logger.LogInformation("{Job} took {Elapsed}", context.Function, DateTimeOffset.UtcNow - context.StartedAt);
        return result;
    }
}
#endregion

#region json-context
[JsonSerializable(typeof(Address))]
internal sealed partial class ShopJson : JsonSerializerContext;
#endregion

/// <summary>A worker whose settings show what can be set for jobs.</summary>
internal static class JobSettingsExamples
{
    public static void Lambda(WorkerSettings worker)
    {
        #region job-lambda
        worker.Functions.Add<ParcelJobs>();
        worker.Functions.Add(typeof(Images));
        worker.Functions.Add("add", (int a, int b) => a + b);
        worker.Functions.Add("import_file", ImportFileAsync, options =>
        {
            options.MaxRetries = 10;
            options.Backoff = Backoff.Linear(TimeSpan.FromSeconds(2), cap: TimeSpan.FromMinutes(1));
            options.MaxPerSecond = 50;
            options.StoreResult = false;
        });
        #endregion
    }

    public static void Rules(WorkerSettings worker)
    {
        #region failure-rules
        worker.Failures.Retry<QuotaException>();
        worker.Failures.DoNotRetry<HttpRequestException>();
        worker.RetryUnknownErrors = false;
        worker.Functions.Add("import_file", ImportFileAsync, options => options.Failures.Retry<FormatException>());
        #endregion
    }

    public static void Hooks(WorkerSettings worker)
    {
        #region hooks
        worker.Hooks.Startup = (context, cancellationToken) =>
        {
            context.State["started"] = DateTimeOffset.UtcNow;
            return Task.CompletedTask;
        };
        worker.Hooks.JobFailure = (context, exception) =>
        {
            context.Logger.LogWarning(exception, "{Job} failed at attempt {Attempt}", context.Function, context.Attempt);
            return Task.CompletedTask;
        };
        worker.Middleware.Add(new TimingMiddleware());
        #endregion
    }

    public static void Json(WorkerSettings worker)
    {
        #region json-options
        worker.Json = JobJson.With(ShopJson.Default);
        #endregion
    }

    private static async Task<string> ImportFileAsync(string path, CancellationToken cancellationToken)
    {
        var text = await File.ReadAllTextAsync(path, cancellationToken);
        return text.Length.ToString(CultureInfo.InvariantCulture);
    }
}

public sealed class QuotaException(string message) : Exception(message);

/// <summary>A service that jobs get by injection.</summary>
public sealed class Mailer
{
    public Task<string> SendAsync(string address, string subject, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult($"'{subject}' sent to {address}");
    }
}
