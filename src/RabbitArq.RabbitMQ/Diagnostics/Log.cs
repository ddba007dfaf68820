using Microsoft.Extensions.Logging;
using RabbitArq.RabbitMQ.Localization;

namespace RabbitArq.RabbitMQ.Diagnostics;

/// <summary>The log messages of this package: event ids 3000 to 3099, stable. Addresses come masked.</summary>
internal static class Log
{
    private static readonly Action<ILogger, string, string, string, Exception?> ConnectionLostMessage =
        LoggerMessage.Define<string, string, string>(LogLevel.Warning, new EventId(3000, nameof(ConnectionLost)), Texts.LogTemplate(nameof(ConnectionLost)));

    private static readonly Action<ILogger, string, string, string, int, Exception?> ConnectionOpenedMessage =
        LoggerMessage.Define<string, string, string, int>(
            LogLevel.Information, new EventId(3001, nameof(ConnectionOpened)), Texts.LogTemplate(nameof(ConnectionOpened)));

    private static readonly Action<ILogger, string, string, int, string, Exception?> ReconnectFailedMessage =
        LoggerMessage.Define<string, string, int, string>(
            LogLevel.Warning, new EventId(3002, nameof(ReconnectFailed)), Texts.LogTemplate(nameof(ReconnectFailed)));

    private static readonly Action<ILogger, string, string, Exception?> RestoreFailedMessage =
        LoggerMessage.Define<string, string>(LogLevel.Error, new EventId(3003, nameof(RestoreFailed)), Texts.LogTemplate(nameof(RestoreFailed)));

    private static readonly Action<ILogger, string, string, Exception?> CloseFailedMessage =
        LoggerMessage.Define<string, string>(LogLevel.Debug, new EventId(3004, nameof(CloseFailed)), Texts.LogTemplate(nameof(CloseFailed)));

    private static readonly Action<ILogger, string, string, Exception?> BlockedMessage =
        LoggerMessage.Define<string, string>(LogLevel.Warning, new EventId(3005, nameof(Blocked)), Texts.LogTemplate(nameof(Blocked)));

    private static readonly Action<ILogger, string, Exception?> UnblockedMessage =
        LoggerMessage.Define<string>(LogLevel.Information, new EventId(3006, nameof(Unblocked)), Texts.LogTemplate(nameof(Unblocked)));

    private static readonly Action<ILogger, string, Exception?> TlsUnverifiedMessage =
        LoggerMessage.Define<string>(LogLevel.Warning, new EventId(3007, nameof(TlsUnverified)), Texts.LogTemplate(nameof(TlsUnverified)));

    private static readonly Action<ILogger, string, string, Exception?> PublishChannelFailedMessage =
        LoggerMessage.Define<string, string>(
            LogLevel.Warning, new EventId(3020, nameof(PublishChannelFailed)), Texts.LogTemplate(nameof(PublishChannelFailed)));

    private static readonly Action<ILogger, string, string, int, Exception?> PublishChannelLostMessage =
        LoggerMessage.Define<string, string, int>(
            LogLevel.Warning, new EventId(3021, nameof(PublishChannelLost)), Texts.LogTemplate(nameof(PublishChannelLost)));

    private static readonly Action<ILogger, int, TimeSpan, Exception?> LadderDeclaredMessage =
        LoggerMessage.Define<int, TimeSpan>(LogLevel.Information, new EventId(3030, nameof(LadderDeclared)), Texts.LogTemplate(nameof(LadderDeclared)));

    private static readonly Action<ILogger, string, string, string, string, Exception?> AdoptedDifferentMessage =
        LoggerMessage.Define<string, string, string, string>(
            LogLevel.Warning, new EventId(3040, nameof(AdoptedDifferent)), Texts.LogTemplate(nameof(AdoptedDifferent)));

    private static readonly Action<ILogger, string, string, Exception?> AdoptedUncheckedMessage =
        LoggerMessage.Define<string, string>(
            LogLevel.Information, new EventId(3041, nameof(AdoptedUnchecked)), Texts.LogTemplate(nameof(AdoptedUnchecked)));

    private static readonly Action<ILogger, string, string, Exception?> ConsumerLostMessage =
        LoggerMessage.Define<string, string>(LogLevel.Warning, new EventId(3060, nameof(ConsumerLost)), Texts.LogTemplate(nameof(ConsumerLost)));

    private static readonly Action<ILogger, string, Exception?> ConsumerResumedMessage =
        LoggerMessage.Define<string>(LogLevel.Information, new EventId(3061, nameof(ConsumerResumed)), Texts.LogTemplate(nameof(ConsumerResumed)));

    private static readonly Action<ILogger, string, string, Exception?> ConsumerWaitsMessage =
        LoggerMessage.Define<string, string>(LogLevel.Warning, new EventId(3062, nameof(ConsumerWaits)), Texts.LogTemplate(nameof(ConsumerWaits)));

    private static readonly Action<ILogger, string, double, Exception?> CancelTimedOutMessage =
        LoggerMessage.Define<string, double>(LogLevel.Warning, new EventId(3063, nameof(CancelTimedOut)), Texts.LogTemplate(nameof(CancelTimedOut)));

    private static readonly Action<ILogger, string, TimeSpan, string, long, Exception?> ConsumerTimeoutShortMessage =
        LoggerMessage.Define<string, TimeSpan, string, long>(
            LogLevel.Warning, new EventId(3064, nameof(ConsumerTimeoutShort)), Texts.LogTemplate(nameof(ConsumerTimeoutShort)));

    public static void ConnectionLost(ILogger logger, string connection, string url, string reason) =>
        ConnectionLostMessage(logger, connection, url, reason, null);

    public static void ConnectionOpened(ILogger logger, string connection, string url, string version, int attempt) =>
        ConnectionOpenedMessage(logger, connection, url, version, attempt, null);

    public static void ReconnectFailed(ILogger logger, string connection, string url, int attempt, string reason) =>
        ReconnectFailedMessage(logger, connection, url, attempt, reason, null);

    public static void RestoreFailed(ILogger logger, string connection, string reason) => RestoreFailedMessage(logger, connection, reason, null);

    public static void CloseFailed(ILogger logger, string connection, string reason) => CloseFailedMessage(logger, connection, reason, null);

    public static void Blocked(ILogger logger, string connection, string reason) => BlockedMessage(logger, connection, reason, null);

    public static void Unblocked(ILogger logger, string connection) => UnblockedMessage(logger, connection, null);

    public static void TlsUnverified(ILogger logger, string url) => TlsUnverifiedMessage(logger, url, null);

    public static void PublishChannelFailed(ILogger logger, string url, string reason) => PublishChannelFailedMessage(logger, url, reason, null);

    public static void PublishChannelLost(ILogger logger, string url, string reason, int outstanding) =>
        PublishChannelLostMessage(logger, url, reason, outstanding, null);

    public static void LadderDeclared(ILogger logger, int levels, TimeSpan longest) => LadderDeclaredMessage(logger, levels, longest, null);

    public static void AdoptedDifferent(ILogger logger, string kind, string name, string url, string reason) =>
        AdoptedDifferentMessage(logger, kind, name, url, reason, null);

    public static void AdoptedUnchecked(ILogger logger, string kind, string name) => AdoptedUncheckedMessage(logger, kind, name, null);

    public static void ConsumerLost(ILogger logger, string queue, string reason) => ConsumerLostMessage(logger, queue, reason, null);

    public static void ConsumerResumed(ILogger logger, string queue) => ConsumerResumedMessage(logger, queue, null);

    public static void ConsumerWaits(ILogger logger, string queue, string reason) => ConsumerWaitsMessage(logger, queue, reason, null);

    public static void CancelTimedOut(ILogger logger, string queue, double seconds) => CancelTimedOutMessage(logger, queue, seconds, null);

    public static void ConsumerTimeoutShort(ILogger logger, string queue, TimeSpan longest, string version, long milliseconds) =>
        ConsumerTimeoutShortMessage(logger, queue, longest, version, milliseconds, null);
}
