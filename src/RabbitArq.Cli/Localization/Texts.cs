using RabbitArq.Localization;

namespace RabbitArq.Cli.Localization;

/// <summary>The sentences of the command line. Each exists in both resource files; a test compares keys and placeholders.</summary>
internal static class Texts
{
    private static readonly TextSource Source = new("RabbitArq.Cli.Localization.Texts", typeof(Texts).Assembly);

    public static string ErrorPrefix() => Source.Get();

    public static string WarningPrefix() => Source.Get();

    public static string Cancelled() => Source.Get();

    public static string Unexpected(string type, string message) => Source.Format([type, message]);

    public static string UnexpectedAdvice() => Source.Get();

    public static string UsageAdvice(string command) => Source.Format([command]);

    public static string LangUnknown(string value) => Source.Format([value]);

    public static string FileLine(string file, int line) => Source.Format([file, line]);

    public static string ConfigExtension(string file) => Source.Format([file]);

    public static string ConfigExtensionAdvice() => Source.Get();

    public static string ConfigUnreadable(string file, long line, string reason) => Source.Format([file, line, reason]);

    public static string ConfigUnreadableAdvice() => Source.Get();

    public static string ConfigMissing(string file) => Source.Format([file]);

    public static string ConfigMissingAdvice() => Source.Get();

    public static string ConfigNotAllowed(string file, string reason) => Source.Format([file, reason]);

    public static string ConfigNotAllowedAdvice() => Source.Get();

    public static string ConfigNoSections() => Source.Get();

    public static string ConfigKeyTwice(string key) => Source.Format([key]);

    public static string ConfigStructure() => Source.Get();

    public static string ConfigTab() => Source.Get();

    public static string ConfigAlias(string alias) => Source.Format([alias]);

    public static string LogFileNotWritable(string file, string reason) => Source.Format([file, reason]);

    public static string LogFileNotWritableAdvice() => Source.Get();

    public static string TargetRequired() => Source.Get();

    public static string TargetMissing(string path) => Source.Format([path]);

    public static string TargetForm(string path) => Source.Format([path]);

    public static string TargetFolder(string path, int projects) => Source.Format([path, projects]);

    public static string TargetFormsAdvice() => Source.Get();

    public static string TargetNoAssembly(string path) => Source.Format([path]);

    public static string TargetNotAllowed(string path, string reason) => Source.Format([path, reason]);

    public static string TargetDependencies(string target) => Source.Format([target]);

    public static string TargetDependenciesAdvice() => Source.Get();

    public static string TypeMissing(string type, string target) => Source.Format([type, target]);

    public static string TypeAmbiguous(string type, string target) => Source.Format([type, target]);

    public static string TypeNone(string target) => Source.Format([target]);

    public static string TypeNoneAdvice() => Source.Get();

    public static string TypeSeveral(int count, string target) => Source.Format([count, target]);

    public static string TypeSeveralAdvice() => Source.Get();

    public static string TypeNoConstructor(string type) => Source.Format([type]);

    public static string TypeNoConstructorAdvice() => Source.Get();

    public static string TypeConstructorThrows(string type, string exception, string message) => Source.Format([type, exception, message]);

    public static string TypeConstructorThrowsAdvice() => Source.Get();

    public static string SdkMissing(string command, string reason) => Source.Format([command, reason]);

    public static string SdkMissingAdvice() => Source.Get();

    public static string Building(string path) => Source.Format([path]);

    public static string BuildFailed(string path) => Source.Format([path]);

    public static string BuildFailedAdvice() => Source.Get();

    public static string BuildNoTarget(string path, string frameworks) => Source.Format([path, frameworks]);

    public static string BuildNoTargetAdvice() => Source.Get();

    public static string BuildLocked(string path) => Source.Format([path]);

    public static string BuildLockedAdvice() => Source.Get();

    public static string OptionSet() => Source.Get();

    public static string OptionConfig() => Source.Get();

    public static string OptionUrl() => Source.Get();

    public static string OptionPrefetch() => Source.Get();

    public static string OptionWorkerName() => Source.Get();

    public static string OptionQueue() => Source.Get();

    public static string OptionConcurrency() => Source.Get();

    public static string OptionBurst() => Source.Get();

    public static string OptionBurstTimeout() => Source.Get();

    public static string OptionBurstCheckInterval() => Source.Get();

    public static string OptionNoWaitTasks() => Source.Get();

    public static string OptionLogLevel() => Source.Get();

    public static string OptionJson() => Source.Get();

    public static string OptionLang() => Source.Get();

    public static string OptionTarget() => Source.Get();

    public static string OptionHelp() => Source.Get();

    public static string OptionVersion() => Source.Get();

    public static string OptionUnknown(string option) => Source.Format([option]);

    public static string OptionUnknownAdvice(string value) => Source.Format([value]);

    public static string OptionYes() => Source.Get();

    public static string OptionKwargs() => Source.Get();

    public static string OptionJobId() => Source.Get();

    public static string OptionDeferBy() => Source.Get();

    public static string OptionDeferUntil() => Source.Get();

    public static string OptionExpires() => Source.Get();

    public static string OptionPriority() => Source.Get();

    public static string OptionHeader() => Source.Get();

    public static string ArgumentFunction() => Source.Get();

    public static string ArgumentArgs() => Source.Get();

    public static string ArgumentQueue() => Source.Get();

    public static string PairInvalid(string option, string value) => Source.Format([option, value]);

    public static string NotTogether(string first, string second) => Source.Format([first, second]);

    public static string OptionInvalid(string option, string value, string allowed) => Source.Format([option, value, allowed]);

    public static string AllowedDuration() => Source.Get();

    public static string AllowedDurationOrNever() => Source.Get();

    public static string AllowedTime() => Source.Get();

    public static string AllowedPriority() => Source.Get();

    public static string RootDescription() => Source.Get();

    public static string WorkerDescription() => Source.Get();

    public static string EnqueueDescription() => Source.Get();

    public static string QueueInfoDescription() => Source.Get();

    public static string PurgeQueueDescription() => Source.Get();

    public static string ValidateConfigDescription() => Source.Get();

    public static string ExamplesTitle() => Source.Get();

    public static string QueueUnknown(string queue, string broker) => Source.Format([queue, broker]);

    public static string QueueUnknownAdvice() => Source.Get();

    public static string BrokerLine(string product, string version, string url) => Source.Format([product, version, url]);

    public static string ColumnQueue() => Source.Get();

    public static string ColumnReady() => Source.Get();

    public static string ColumnUnacknowledged() => Source.Get();

    public static string ColumnDelayed() => Source.Get();

    public static string ColumnConsumers() => Source.Get();

    public static string ColumnSetting() => Source.Get();

    public static string ColumnValue() => Source.Get();

    public static string ColumnSource() => Source.Get();

    public static string ColumnJob() => Source.Get();

    public static string ColumnCompleted() => Source.Get();

    public static string ColumnFailed() => Source.Get();

    public static string ColumnRetried() => Source.Get();

    public static string ColumnMax() => Source.Get();

    public static string RowTotal() => Source.Get();

    public static string PurgeNeedsYes(string queue) => Source.Format([queue]);

    public static string PurgeNeedsYesAdvice() => Source.Get();

    public static string PurgeQuestion(long messages, string queue, string broker) => Source.Format([messages, queue, broker]);

    public static string PurgeDeclined(string queue) => Source.Format([queue]);

    public static string PurgeDeclinedAdvice() => Source.Get();

    public static string Purged(long messages, string queue) => Source.Format([messages, queue]);

    public static string JobsLine(int count, string names) => Source.Format([count, names]);

    public static string ConfigValid(int warnings) => Source.Format([warnings]);

    public static string ConfigInvalid(int errors) => Source.Format([errors]);

    public static string ArgumentNotJson(string value, string reason) => Source.Format([value, reason]);

    public static string ArgumentNotJsonAdvice() => Source.Get();

    public static string KwargsNotJson(string value, string reason) => Source.Format([value, reason]);

    public static string KwargsNotJsonAdvice() => Source.Get();

    public static string BurstLooking() => Source.Get();

    public static string BurstProgress(long done, long total, int running, long failed, long retried) => Source.Format([done, total, running, failed, retried]);

    public static string SummaryTimedOut() => Source.Get();

    public static string SummarySignal(string signal) => Source.Format([signal]);

    public static string SummaryBurst(string duration) => Source.Format([duration]);

    public static string SummaryEnded() => Source.Get();

    public static string SummaryLine(string reason, long completed, long failed, long retried, long left) => Source.Format([reason, completed, failed, retried, left]);

    public static string ExamplesRoot() => Source.Get();

    public static string ExamplesWorker() => Source.Get();

    public static string ExamplesEnqueue() => Source.Get();

    public static string ExamplesQueueInfo() => Source.Get();

    public static string ExamplesPurgeQueue() => Source.Get();

    public static string ExamplesValidateConfig() => Source.Get();
}
