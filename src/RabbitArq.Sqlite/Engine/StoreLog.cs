using Microsoft.Extensions.Logging;
using RabbitArq.Sqlite.Localization;

namespace RabbitArq.Sqlite.Engine;

/// <summary>The log messages of the embedded broker, event ids 5000 to 5099.</summary>
internal static class StoreLog
{
    private static readonly Action<ILogger, string, string, string, Exception?> QueueDiffersMessage =
        LoggerMessage.Define<string, string, string>(LogLevel.Warning, new EventId(5000, nameof(QueueDiffers)), Texts.LogTemplate(nameof(QueueDiffers)));

    private static readonly Action<ILogger, string, string, Exception?> ExchangeDiffersMessage =
        LoggerMessage.Define<string, string>(LogLevel.Warning, new EventId(5001, nameof(ExchangeDiffers)), Texts.LogTemplate(nameof(ExchangeDiffers)));

    private static readonly Action<ILogger, string, int, Exception?> NodeGoneMessage =
        LoggerMessage.Define<string, int>(LogLevel.Warning, new EventId(5002, nameof(NodeGone)), Texts.LogTemplate(nameof(NodeGone)));

    private static readonly Action<ILogger, string, Exception?> RejoinedMessage =
        LoggerMessage.Define<string>(LogLevel.Warning, new EventId(5003, nameof(Rejoined)), Texts.LogTemplate(nameof(Rejoined)));

    private static readonly Action<ILogger, string, string, Exception?> LockUnreadableMessage =
        LoggerMessage.Define<string, string>(LogLevel.Debug, new EventId(5004, nameof(LockUnreadable)), Texts.LogTemplate(nameof(LockUnreadable)));

    private static readonly Action<ILogger, string, string, Exception?> FailedMessage =
        LoggerMessage.Define<string, string>(LogLevel.Error, new EventId(5005, nameof(Failed)), Texts.LogTemplate(nameof(Failed)));

    private static readonly Action<ILogger, string, Exception?> RecoveredMessage =
        LoggerMessage.Define<string>(LogLevel.Information, new EventId(5006, nameof(Recovered)), Texts.LogTemplate(nameof(Recovered)));

    private static readonly Action<ILogger, string, string, Exception?> ParkedMessage =
        LoggerMessage.Define<string, string>(LogLevel.Warning, new EventId(5007, nameof(Parked)), Texts.LogTemplate(nameof(Parked)));

    public static void QueueDiffers(ILogger logger, string queue, string file, string differences) =>
        QueueDiffersMessage(logger, queue, file, differences, null);

    public static void ExchangeDiffers(ILogger logger, string exchange, string file) => ExchangeDiffersMessage(logger, exchange, file, null);

    public static void NodeGone(ILogger logger, string file, int messages) => NodeGoneMessage(logger, file, messages, null);

    public static void Rejoined(ILogger logger, string file) => RejoinedMessage(logger, file, null);

    public static void LockUnreadable(ILogger logger, string lockFile, string reason) => LockUnreadableMessage(logger, lockFile, reason, null);

    public static void Failed(ILogger logger, string file, string reason, Exception failure) => FailedMessage(logger, file, reason, failure);

    public static void Parked(ILogger logger, string file, string queue) => ParkedMessage(logger, file, queue, null);

    public static void Recovered(ILogger logger, string file) => RecoveredMessage(logger, file, null);
}
