using Microsoft.Extensions.Logging;
using RabbitArq.Localization;

namespace RabbitArq.Diagnostics;

/// <summary>
/// What workers log. Event ids are stable: 1000–1099 worker, 1100–1199 jobs, 1200–1299 settling. The text comes from the
/// resources in the language of the process; the names in it are the same in every language.
/// </summary>
internal static class WorkerLog
{
    private static readonly Action<ILogger, string, string, string, string, int, Exception?> WorkerStartedMessage =
        LoggerMessage.Define<string, string, string, string, int>(LogLevel.Information, new EventId(1000, "WorkerStarted"), Texts.LogTemplate("WorkerStarted"));

    private static readonly Action<ILogger, string, Exception?> EmbeddedBrokerMessage =
        LoggerMessage.Define<string>(LogLevel.Information, new EventId(1001, "EmbeddedBroker"), Texts.LogTemplate("EmbeddedBroker"));

    private static readonly Action<ILogger, string, int, TimeSpan, TimeSpan, Exception?> WorkerStoppingMessage =
        LoggerMessage.Define<string, int, TimeSpan, TimeSpan>(LogLevel.Information, new EventId(1002, "WorkerStopping"), Texts.LogTemplate("WorkerStopping"));

    private static readonly Action<ILogger, string, long, long, long, long, int, Exception?> WorkerSummaryMessage =
        LoggerMessage.Define<string, long, long, long, long, int>(LogLevel.Information, new EventId(1003, "WorkerSummary"), Texts.LogTemplate("WorkerSummary"));

    private static readonly Action<ILogger, string, int, Exception?> ConsumingMessage =
        LoggerMessage.Define<string, int>(LogLevel.Debug, new EventId(1004, "Consuming"), Texts.LogTemplate("Consuming"));

    private static readonly Action<ILogger, int, Exception?> CancellingRunningMessage =
        LoggerMessage.Define<int>(LogLevel.Warning, new EventId(1005, "CancellingRunning"), Texts.LogTemplate("CancellingRunning"));

    private static readonly Action<ILogger, int, Exception?> LeftRunningMessage =
        LoggerMessage.Define<int>(LogLevel.Warning, new EventId(1006, "LeftRunning"), Texts.LogTemplate("LeftRunning"));

    private static readonly Action<ILogger, string, Exception?> SecondSignalMessage =
        LoggerMessage.Define<string>(LogLevel.Warning, new EventId(1007, "SecondSignal"), Texts.LogTemplate("SecondSignal"));

    private static readonly Action<ILogger, string, string, Exception?> ConsumerEndedMessage =
        LoggerMessage.Define<string, string>(LogLevel.Error, new EventId(1008, "ConsumerEnded"), Texts.LogTemplate("ConsumerEnded"));

    private static readonly Action<ILogger, string, Exception?> SettingIgnoredMessage =
        LoggerMessage.Define<string>(LogLevel.Warning, new EventId(1009, "SettingIgnored"), Texts.LogTemplate("SettingIgnored"));

    private static readonly Action<ILogger, TimeSpan, Exception?> BurstTimedOutMessage =
        LoggerMessage.Define<TimeSpan>(LogLevel.Warning, new EventId(1010, "BurstTimedOut"), Texts.LogTemplate("BurstTimedOut"));

    private static readonly Action<ILogger, string, Exception?> BurstCheckFailedMessage =
        LoggerMessage.Define<string>(LogLevel.Warning, new EventId(1011, "BurstCheckFailed"), Texts.LogTemplate("BurstCheckFailed"));

    private static readonly Action<ILogger, string, string, int, Exception?> JobStartedMessage =
        LoggerMessage.Define<string, string, int>(LogLevel.Debug, new EventId(1100, "JobStarted"), Texts.LogTemplate("JobStarted"));

    private static readonly Action<ILogger, string, string, double, Exception?> JobSucceededMessage =
        LoggerMessage.Define<string, string, double>(LogLevel.Information, new EventId(1101, "JobSucceeded"), Texts.LogTemplate("JobSucceeded"));

    private static readonly Action<ILogger, string, string, int, DateTimeOffset, string, Exception?> JobRetryingMessage =
        LoggerMessage.Define<string, string, int, DateTimeOffset, string>(LogLevel.Warning, new EventId(1102, "JobRetrying"), Texts.LogTemplate("JobRetrying"));

    private static readonly Action<ILogger, string, string, string, string, Exception?> JobDeadLetteredMessage =
        LoggerMessage.Define<string, string, string, string>(LogLevel.Error, new EventId(1103, "JobDeadLettered"), Texts.LogTemplate("JobDeadLettered"));

    private static readonly Action<ILogger, string, string, DateTimeOffset, Exception?> JobExpiredMessage =
        LoggerMessage.Define<string, string, DateTimeOffset>(LogLevel.Warning, new EventId(1104, "JobExpired"), Texts.LogTemplate("JobExpired"));

    private static readonly Action<ILogger, string, string, Exception?> JobInterruptedMessage =
        LoggerMessage.Define<string, string>(LogLevel.Warning, new EventId(1105, "JobInterrupted"), Texts.LogTemplate("JobInterrupted"));

    private static readonly Action<ILogger, string, string, TimeSpan, Exception?> JobStuckMessage =
        LoggerMessage.Define<string, string, TimeSpan>(LogLevel.Error, new EventId(1106, "JobStuck"), Texts.LogTemplate("JobStuck"));

    private static readonly Action<ILogger, string, string, TimeSpan, Exception?> AbandonedJobEndedMessage =
        LoggerMessage.Define<string, string, TimeSpan>(LogLevel.Warning, new EventId(1107, "AbandonedJobEnded"), Texts.LogTemplate("AbandonedJobEnded"));

    private static readonly Action<ILogger, string, string, string, Exception?> HookFailedMessage =
        LoggerMessage.Define<string, string, string>(LogLevel.Error, new EventId(1108, "HookFailed"), Texts.LogTemplate("HookFailed"));

    private static readonly Action<ILogger, string, string, DateTimeOffset, Exception?> JobSnoozedMessage =
        LoggerMessage.Define<string, string, DateTimeOffset>(LogLevel.Debug, new EventId(1109, "JobSnoozed"), Texts.LogTemplate("JobSnoozed"));

    private static readonly Action<ILogger, string, string, double, string?, Exception?> JobProgressMessage =
        LoggerMessage.Define<string, string, double, string?>(LogLevel.Information, new EventId(1110, "JobProgress"), Texts.LogTemplate("JobProgress"));

    private static readonly Action<ILogger, string, string, string, Exception?> FollowUpFailedMessage =
        LoggerMessage.Define<string, string, string>(LogLevel.Error, new EventId(1200, "FollowUpFailed"), Texts.LogTemplate("FollowUpFailed"));

    private static readonly Action<ILogger, string, string, Exception?> RecordFailedMessage =
        LoggerMessage.Define<string, string>(LogLevel.Error, new EventId(1201, "RecordFailed"), Texts.LogTemplate("RecordFailed"));

    public static void WorkerStarted(this ILogger logger, string worker, string broker, string queues, string jobs, int concurrency) =>
        WorkerStartedMessage(logger, worker, broker, queues, jobs, concurrency, null);

    public static void EmbeddedBroker(this ILogger logger, string url) => EmbeddedBrokerMessage(logger, url, null);

    public static void WorkerStopping(this ILogger logger, string worker, int running, TimeSpan wait, TimeSpan limit) =>
        WorkerStoppingMessage(logger, worker, running, wait, limit, null);

    public static void WorkerSummary(this ILogger logger, string worker, long completed, long failed, long retried, long interrupted, int running) =>
        WorkerSummaryMessage(logger, worker, completed, failed, retried, interrupted, running, null);

    public static void Consuming(this ILogger logger, string queue, int prefetch) => ConsumingMessage(logger, queue, prefetch, null);

    public static void CancellingRunning(this ILogger logger, int running) => CancellingRunningMessage(logger, running, null);

    public static void LeftRunning(this ILogger logger, int running) => LeftRunningMessage(logger, running, null);

    public static void SecondSignal(this ILogger logger, string signal) => SecondSignalMessage(logger, signal, null);

    public static void ConsumerEnded(this ILogger logger, string queue, Exception exception) =>
        ConsumerEndedMessage(logger, queue, exception.Message, exception);

    public static void SettingIgnored(this ILogger logger, string warning) => SettingIgnoredMessage(logger, warning, null);

    public static void BurstTimedOut(this ILogger logger, TimeSpan timeout) => BurstTimedOutMessage(logger, timeout, null);

    public static void BurstCheckFailed(this ILogger logger, Exception exception) => BurstCheckFailedMessage(logger, exception.Message, exception);

    public static void JobStarted(this ILogger logger, string function, string jobId, int attempt) =>
        JobStartedMessage(logger, function, jobId, attempt, null);

    public static void JobSucceeded(this ILogger logger, string function, string jobId, TimeSpan duration) =>
        JobSucceededMessage(logger, function, jobId, Math.Round(duration.TotalMilliseconds, 1), null);

    public static void JobRetrying(this ILogger logger, string function, string jobId, int attempt, DateTimeOffset at, Exception error) =>
        JobRetryingMessage(logger, function, jobId, attempt, at, $"{error.GetType().Name}: {error.Message}", null);

    public static void JobDeadLettered(this ILogger logger, string function, string jobId, string queue, string reason, Exception error) =>
        JobDeadLetteredMessage(logger, function, jobId, queue, reason, error);

    public static void JobExpired(this ILogger logger, string function, string jobId, DateTimeOffset expiredAt) =>
        JobExpiredMessage(logger, function, jobId, expiredAt, null);

    public static void JobInterrupted(this ILogger logger, string function, string jobId) => JobInterruptedMessage(logger, function, jobId, null);

    public static void JobStuck(this ILogger logger, string function, string jobId, TimeSpan duration) =>
        JobStuckMessage(logger, function, jobId, duration, null);

    public static void AbandonedJobEnded(this ILogger logger, string function, string jobId, TimeSpan after, Exception? exception) =>
        AbandonedJobEndedMessage(logger, function, jobId, after, exception);

    public static void HookFailed(this ILogger logger, string hook, string function, string jobId, Exception exception) =>
        HookFailedMessage(logger, hook, function, jobId, exception);

    public static void JobSnoozed(this ILogger logger, string function, string jobId, DateTimeOffset until) =>
        JobSnoozedMessage(logger, function, jobId, until, null);

    public static void JobProgress(this ILogger logger, string function, string jobId, double percent, string? message) =>
        JobProgressMessage(logger, function, jobId, percent, message, null);

    public static void FollowUpFailed(this ILogger logger, string function, string jobId, Exception exception) =>
        FollowUpFailedMessage(logger, function, jobId, exception.Message, exception);

    public static void RecordFailed(this ILogger logger, string jobId, Exception exception) =>
        RecordFailedMessage(logger, jobId, exception.Message, exception);
}
