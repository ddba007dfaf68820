using System.Globalization;
using System.Resources;

namespace HostedWorker.Localization;

/// <summary>The sample's sentences, in English and Chinese as ARQ_LANG or the culture says.</summary>
internal static class Texts
{
    private static readonly bool IsChinese =
        (Environment.GetEnvironmentVariable("ARQ_LANG") is { Length: > 0 } lang ? lang : CultureInfo.CurrentUICulture.Name)
        .StartsWith("zh", StringComparison.OrdinalIgnoreCase);

    private static readonly ResourceManager Source = new("HostedWorker.Localization.Texts" + (IsChinese ? ".zh-CN" : ""), typeof(Texts).Assembly);

    public static string Submitted(int order, string jobId) => Format(nameof(Submitted), order, jobId);

    public static string Charged(int order, string payment) => Format(nameof(Charged), order, payment);

    private static string Get(string key) => Source.GetString(key, CultureInfo.InvariantCulture)!;

    private static string Format(string key, params object?[] args) => string.Format(CultureInfo.InvariantCulture, Get(key), args);
}
