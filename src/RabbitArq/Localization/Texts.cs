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

    public static string MessageUnreadable(string reason) => Source.Format([reason]);

    public static string MessageNotAnObject() => Source.Get();

    public static string MessageNotOneObject() => Source.Get();

    public static string MessageFieldMissing(string field) => Source.Format([field]);

    public static string MessageFieldKind(string field, string expected, string kind) => Source.Format([field, expected, kind]);

    public static string MessageFieldRange(string field, string value, string allowed) => Source.Format([field, value, allowed]);

    public static string MessageFieldTime(string field, string value) => Source.Format([field, value]);

    public static string ArgumentNotSerializable(string argument, string type, string reason) => Source.Format([argument, type, reason]);

    public static string NotAnExceptionType(string type) => Source.Format([type]);

    public static string RetryRequested() => Source.Get();

    public static string JobTimedOut(string function, TimeSpan timeout) => Source.Format([function, timeout]);

    public static string JobStuck(string function, TimeSpan timeout) => Source.Format([function, timeout]);

    public static string MaxRetriesExceeded(int attempts, string errorType, string message) => Source.Format([attempts, errorType, message]);

    public static string JobUnknown(string function, string known) => Source.Format([function, known]);

    public static string ArgumentsDoNotBind(string function, string problem) => Source.Format([function, problem]);

    public static string ArgumentMissing(string parameter, string type) => Source.Format([parameter, type]);

    public static string ArgumentWrongType(string parameter, string type, string jsonKind, string reason) => Source.Format([parameter, type, jsonKind, reason]);

    public static string ArgumentTooMany(int given, int parameters, string names) => Source.Format([given, parameters, names]);

    public static string ArgumentUnknownName(string name, string names) => Source.Format([name, names]);

    public static string ArgumentTwice(string parameter) => Source.Format([parameter]);

    public static string ResultNotSerializable(string function, string type, string reason) => Source.Format([function, type, reason]);

    public static string SettingsInvalid(int count, string list) => Source.Format([count, list]);

    public static string JobClassWithoutJobs(string type) => Source.Format([type]);

    public static string JobLambdaWithoutName(string lambda) => Source.Format([lambda]);

    public static string JobDelegateBound(string method) => Source.Format([method]);

    public static string JobClassNotConstructible(string method, string type) => Source.Format([method, type]);

    public static string JobClassServiceMissing(string method, string type, string services) => Source.Format([method, type, services]);

    public static string JobNameTwice(string name, string first, string second) => Source.Format([name, first, second]);

    public static string JobNameEmpty(string method) => Source.Format([method]);

    public static string JobParameterUnsupported(string method, string parameter, string kind) => Source.Format([method, parameter, kind]);

    public static string JobParameterKindRef() => Source.Get();

    public static string JobParameterKindPointer() => Source.Get();

    public static string JobParameterKindDelegate() => Source.Get();

    public static string JobParameterKindNoJson(string type, string reason) => Source.Format([type, reason]);

    public static string JobMethodGeneric(string method) => Source.Format([method]);

    public static string JobMethodAsyncVoid(string method) => Source.Format([method]);

    public static string JobOptionOutOfRange(string option, string function, object value, string allowed) => Source.Format([option, function, value, allowed]);

    public static string ArgumentNotNullable() => Source.Get();

    public static string JobParameterInterface() => Source.Get();

    public static string NoFormatRecognises(string contentType, string formats) => Source.Format([contentType, formats]);

    public static string ResultStoreSchemeUnknown(string scheme, string url, string known) => Source.Format([scheme, url, known]);

    public static string BatchPartlyFailed(int failed, int count) => Source.Format([failed, count]);

    public static string ResultNotInTime(string jobId, TimeSpan timeout, string status) => Source.Format([jobId, timeout, status]);

    public static string JobHasFailed(string function, string jobId, string status, string error) => Source.Format([function, jobId, status, error]);

    public static string ResultStorageDisabled() => Source.Get();

    public static string ShutdownHookTooLong(TimeSpan limit) => Source.Format([limit]);

    public static string DeferTwice() => Source.Get();

    public static string OptionOutOfRange(string option, object? value, string allowed) => Source.Format([option, value, allowed]);

    public static string OriginDefault() => Source.Get();

    public static string OriginDerived(string from) => Source.Format([from]);

    public static string OriginFile(string file) => Source.Format([file]);

    public static string OriginEnvironment(string variable) => Source.Format([variable]);

    public static string OriginCommandLine(string option) => Source.Format([option]);

    public static string OriginCode() => Source.Get();

    public static string SettingInvalid(string key, string value, string origin, string allowed) => Source.Format([key, value, origin, allowed]);

    public static string SettingUnknown(string key, string origin) => Source.Format([key, origin]);

    public static string SettingUnknownNearest(string key, string origin, string nearest) => Source.Format([key, origin, nearest]);

    public static string SettingOverruledByCode(string key, string origin, string value) => Source.Format([key, origin, value]);

    public static string SettingNotInHost(string key, string origin) => Source.Format([key, origin]);

    public static string SettingOnlyCommandLine(string key, string origin) => Source.Format([key, origin]);

    public static string SettingOnlyWithTls(string key, string origin) => Source.Format([key, origin]);

    public static string AllowedBoolean() => Source.Get();

    public static string AllowedText() => Source.Get();

    public static string AllowedQueueName(int bytes) => Source.Format([bytes]);

    public static string AllowedBrokerUrl() => Source.Get();

    public static string AllowedStoreUrl() => Source.Get();

    public static string AllowedFile() => Source.Get();

    public static string AllowedChoice(string choices) => Source.Format([choices]);

    public static string AllowedInteger(int min, int max) => Source.Format([min, max]);

    public static string AllowedDuration(string min, string max) => Source.Format([min, max]);

    public static string AllowedDurationOrNever(string min, string max) => Source.Format([min, max]);

    public static string AllowedQueueList() => Source.Get();

    public static string AllowedOnlyWith(string key) => Source.Format([key]);

    public static string AllowedOnlyClassic() => Source.Get();

    public static string AllowedQueueOnce(string queue) => Source.Format([queue]);

    public static string AllowedNotAJobQueue(string queue) => Source.Format([queue]);

    public static string AllowedAtLeast(string key, string value) => Source.Format([key, value]);

    public static string AllowedAtMost(string key, string value) => Source.Format([key, value]);

    public static string BrokerUrlMissing(string embedded) => Source.Format([embedded]);
}
