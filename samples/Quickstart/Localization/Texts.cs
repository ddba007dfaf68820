using System.Globalization;
using System.Resources;
using System.Runtime.CompilerServices;

namespace Quickstart.Localization;

/// <summary>The sample's sentences, in English and Chinese as ARQ_LANG or the culture says.</summary>
internal static class Texts
{
    public static string Usage() => Source.Get();

    public static string RetryStory() => Source.Get();

    public static string Intro(string url) => Source.Format([url]);

    public static string Enqueued(int confirmed, int all, long milliseconds) => Source.Format([confirmed, all, milliseconds]);

    public static string Progress(int percent) => Source.Format([percent]);

    public static string Worked(long completed, long failed, long retried, double seconds) => Source.Format([completed, failed, retried, seconds]);

    public static string WorkedJob(string name, long completed, long failed, double p50, double p99) => Source.Format([name, completed, failed, p50, p99]);

    public static string AttemptFailed(string job, int attempt, int attempts, string type, string message) =>
        Source.Format([job, attempt, attempts, type, message]);

    public static string AttemptSucceeded(string job, int attempt, string result) => Source.Format([job, attempt, result]);

    public static string Results(int words, int documents) => Source.Format([words, documents]);

    public static string DeadLetter(string queue) => Source.Format([queue]);

    /// <summary>The resource file of the language.</summary>
    private static class Source
    {
        private static readonly bool IsChinese =
            (Environment.GetEnvironmentVariable("ARQ_LANG") is { Length: > 0 } lang ? lang : CultureInfo.CurrentUICulture.Name)
            .StartsWith("zh", StringComparison.OrdinalIgnoreCase);

        private static readonly ResourceManager Resources =
            new("Quickstart.Localization.Texts" + (IsChinese ? ".zh-CN" : ""), typeof(Texts).Assembly);

        public static string Get([CallerMemberName] string key = "") => Resources.GetString(key, CultureInfo.InvariantCulture)!;

        public static string Format(ReadOnlySpan<object?> args, [CallerMemberName] string key = "") =>
            string.Format(CultureInfo.InvariantCulture, Get(key), args);
    }
}
