namespace RabbitArq.Localization;

/// <summary>The sentences of the core. Each exists in both resource files; a test compares keys and placeholders.</summary>
internal static class Texts
{
    private static readonly TextSource Source = new("RabbitArq.Localization.Texts", typeof(Texts).Assembly);

    /// <summary>The template of a log message; its key has the prefix <c>Log_</c>.</summary>
    public static string LogTemplate(string name) => Source.Get("Log_" + name);

    public static string BrokerUrlEmpty() => Source.Get();

    public static string BrokerUrlUnreadable(string url, string reason) => Source.Format([url, reason]);

    public static string BrokerUrlNoScheme() => Source.Get();

    public static string BrokerSchemeUnknown(string scheme, string url, string known) => Source.Format([scheme, url, known]);

    public static string BrokerPackageMissing(string scheme, string package) => Source.Format([scheme, package]);
}
