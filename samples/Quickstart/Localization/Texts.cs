using System.Globalization;
using System.Resources;

namespace Quickstart.Localization;

/// <summary>The sample's sentences, in English and Chinese as ARQ_LANG or the culture says.</summary>
internal static class Texts
{
    private static readonly bool IsChinese =
        (Environment.GetEnvironmentVariable("ARQ_LANG") is { Length: > 0 } lang ? lang : CultureInfo.CurrentUICulture.Name)
        .StartsWith("zh", StringComparison.OrdinalIgnoreCase);

    private static readonly ResourceManager Source = new("Quickstart.Localization.Texts" + (IsChinese ? ".zh-CN" : ""), typeof(Texts).Assembly);

    public static string Usage => Get(nameof(Usage));

    public static string RetryStory => Get(nameof(RetryStory));

    public static string Intro(string url) => Format(nameof(Intro), url);

    public static string Enqueued(int confirmed, int all, long milliseconds) => Format(nameof(Enqueued), confirmed, all, milliseconds);

    public static string Progress(int percent) => Format(nameof(Progress), percent);

    public static string Worked(long completed, long failed, long retried, double seconds) => Format(nameof(Worked), completed, failed, retried, seconds);

    public static string WorkedJob(string name, long completed, long failed, double p50, double p99) =>
        Format(nameof(WorkedJob), name, completed, failed, p50, p99);

    public static string AttemptFailed(string job, int attempt, int attempts, string type, string message) =>
        Format(nameof(AttemptFailed), job, attempt, attempts, type, message);

    public static string AttemptSucceeded(string job, int attempt, string result) => Format(nameof(AttemptSucceeded), job, attempt, result);

    public static string Results(int words, int documents) => Format(nameof(Results), words, documents);

    public static string DeadLetter(string queue) => Format(nameof(DeadLetter), queue);

    private static string Get(string key) => Source.GetString(key, CultureInfo.InvariantCulture)!;

    private static string Format(string key, params object?[] args) => string.Format(CultureInfo.InvariantCulture, Get(key), args);
}
