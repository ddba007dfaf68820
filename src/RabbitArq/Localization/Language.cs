using System.Globalization;

namespace RabbitArq.Localization;

/// <summary>
/// The language of every sentence that RabbitArq writes: <c>ARQ_LANG</c> (<c>en</c>, <c>zh-CN</c> or any <c>zh…</c>),
/// else the culture of the process, else English. Read once; log texts keep it for the life of the process.
/// </summary>
internal static class Language
{
    public const string EnvironmentVariable = "ARQ_LANG";

    private static readonly AsyncLocal<bool?> Scoped = new();
    private static bool _processIsChinese = IsChineseName(
        Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } name ? name : CultureInfo.CurrentUICulture.Name);

    public static bool IsChinese => Scoped.Value ?? _processIsChinese;

    /// <summary>The language of the process, for the command line's own option.</summary>
    public static void SetForProcess(string name) => _processIsChinese = IsChineseName(name);

    /// <summary>Texts of this asynchronous flow only; tests use it.</summary>
    public static void SetForFlow(string? name) => Scoped.Value = name is null ? null : IsChineseName(name);

    private static bool IsChineseName(string name) => name.StartsWith("zh", StringComparison.OrdinalIgnoreCase);
}
