using RabbitArq.Localization;

namespace RabbitArq.Sqlite.Localization;

/// <summary>The sentences of the embedded broker. Each exists in both resource files.</summary>
internal static class Texts
{
    private static readonly TextSource Source = new("RabbitArq.Sqlite.Localization.Texts", typeof(Texts).Assembly);

    /// <summary>The template of a log message; its key has the prefix <c>Log_</c>.</summary>
    public static string LogTemplate(string name) => Source.Get("Log_" + name);

    public static string UrlSchemeWrong(string url) => Source.Format([url]);

    public static string UrlHasHost(string url) => Source.Format([url]);

    public static string UrlPathEmpty(string url) => Source.Format([url]);

    public static string UrlOptionUnknown(string option, string url) => Source.Format([option, url]);

    public static string FolderMissing(string path, string folder) => Source.Format([path, folder]);

    public static string PathIsFolder(string path) => Source.Format([path]);

    public static string AccessDenied(string path) => Source.Format([path]);

    public static string FileReadOnly(string path) => Source.Format([path]);

    public static string CannotOpen(string path) => Source.Format([path]);

    public static string NotADatabase(string path) => Source.Format([path]);

    public static string FileDamaged(string path) => Source.Format([path]);

    public static string ForeignDatabase(string path) => Source.Format([path]);

    public static string SchemaTooNew(string path, long found, long known) => Source.Format([path, found, known]);

    public static string FileLocked(string path) => Source.Format([path]);

    public static string DiskFull(string path) => Source.Format([path]);

    public static string InputOutputFailed(string path, string reason) => Source.Format([path, reason]);

    public static string LocksUnsupported(string path) => Source.Format([path]);

    public static string BrokerClosed(string path) => Source.Format([path]);

    public static string OperationTimedOut(string path) => Source.Format([path]);

    public static string QueueMissing(string queue, string path) => Source.Format([queue, path]);

    public static string QueueFull(string queue, long limit) => Source.Format([queue, limit]);

    public static string QueueOwnedElsewhere(string queue, string path) => Source.Format([queue, path]);

    public static string QueueHasExclusiveConsumer(string queue, string path) => Source.Format([queue, path]);

    public static string QueueDeletedWhileConsumed(string queue, string path) => Source.Format([queue, path]);

    public static string ExchangeMissing(string exchange, string path) => Source.Format([exchange, path]);

    public static string ExchangeMissingForBinding(string exchange, string queue, string path) => Source.Format([exchange, queue, path]);

    public static string ExchangeReserved(string exchange) => Source.Format([exchange]);

    public static string Unroutable(string exchange, string routingKey, string path) => Source.Format([exchange, routingKey, path]);

    public static string BodyTooLarge(long bytes, long limit) => Source.Format([bytes, limit]);

    public static string DelayedThroughExchange(string exchange) => Source.Format([exchange]);

    public static string HeaderTypeUnknown(string header, string type) => Source.Format([header, type]);

    public static string PrefetchOutOfRange(int prefetch, int limit) => Source.Format([prefetch, limit]);
}
