using System.Security.Cryptography;
using RabbitArq;

namespace Quickstart;

/// <summary>What the workers do: plain methods. The name of a job is the method's, in snake_case without Async.</summary>
public static class DocumentJobs
{
    /// <summary>A fast job: the SHA-256 of a file.</summary>
    [Job]
    public static async Task<string> HashDocumentAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
    }

    /// <summary>A slower job: counts words, and pretends that counting takes a while for long documents.</summary>
    [Job]
    public static async Task<int> CountWordsAsync(string path, JobContext context, CancellationToken cancellationToken)
    {
        var text = await File.ReadAllTextAsync(path, cancellationToken);
        await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(200, text.Length / 100)), cancellationToken);
        context.State.AddOrUpdate("characters", (long)text.Length, (_, sum) => (long)sum! + text.Length);
        return text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
    }

    /// <summary>Fails twice as a busy network would, then succeeds: an IOException is tried again by default.</summary>
    [Job(MaxRetries = 3)]
    public static async Task<string> FetchSummaryAsync(string title, JobContext context)
    {
        await Task.Yield();
        return context.Attempt <= 2
            ? throw new IOException($"the summary server hung up (attempt {context.Attempt})")
            : $"summary of {title}, fetched at attempt {context.Attempt}";
    }

    /// <summary>Always fails: a wrong argument is not worth another try, so the job goes to the dead-letter queue at once.</summary>
    [Job]
    public static void TranslateDocument(string path, string language) =>
        throw new ArgumentException($"nobody here speaks '{language}'", nameof(language));
}
