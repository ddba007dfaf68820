using RabbitArq.Brokers;

namespace RabbitArq.Hosting.Settings;

/// <summary>
/// Every setting, declared once. The name of its key in files, of its environment variables and of its option of the
/// command line, its range and its property stand side by side; everything else is derived from here.
/// </summary>
internal static class SettingsCatalog
{
    /// <summary>The section of a .NET configuration, and the prefix of environment variables in .NET's form.</summary>
    public const string SectionName = "RabbitArq";

    /// <summary>RabbitMQ's limit for consumers of quorum queues.</summary>
    public const int LargestPrefetch = 2000;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Month = TimeSpan.FromDays(30);

    /// <summary>AMQP writes the heartbeat as seconds in 16 bits.</summary>
    private static readonly TimeSpan LongestHeartbeat = TimeSpan.FromSeconds(ushort.MaxValue);

    public static IReadOnlyList<Setting> All { get; } = [.. Connection(), .. Queue(), .. Running(), .. Burst(), .. Results(), .. Logging()];

    /// <summary>Finds the setting of a normalized key.</summary>
    public static Setting? Find(string path) => All.FirstOrDefault(setting => setting.Answers(path));

    public static Setting Of(string key) => All.First(setting => setting.Key == key);

    private static IEnumerable<Setting> Connection() =>
    [
        OnConnection("rabbitmq.url", nameof(ConnectionSettings.Url), SettingKinds.BrokerUrlKind, c => c.Url, (c, v) => c.Url = v, "RABBITMQ_URL", "--rabbitmq-url"),
        OnWorker("rabbitmq.prefetch_count", nameof(WorkerSettings.PrefetchCount), SettingKinds.Integer(1, LargestPrefetch), w => w.PrefetchCount, (w, v) => w.PrefetchCount = v, "RABBITMQ_PREFETCH_COUNT", "--prefetch-count"),
        OnConnection("rabbitmq.connection_timeout", nameof(ConnectionSettings.ConnectionTimeout), SettingKinds.Duration(Moment, Hour), c => c.ConnectionTimeout, (c, v) => c.ConnectionTimeout = v, "RABBITMQ_CONNECTION_TIMEOUT"),
        OnConnection("rabbitmq.publish_timeout", nameof(ConnectionSettings.PublishTimeout), SettingKinds.Duration(Moment, Hour), c => c.PublishTimeout, (c, v) => c.PublishTimeout = v),
        OnConnection("rabbitmq.heartbeat", nameof(ConnectionSettings.Heartbeat), SettingKinds.Duration(Second, LongestHeartbeat), c => c.Heartbeat, (c, v) => c.Heartbeat = v),
        OnConnection("rabbitmq.tls_ca_file", nameof(ConnectionSettings.TlsCaFile), SettingKinds.ReadableFile, c => c.TlsCaFile, (c, v) => c.TlsCaFile = v),
        OnConnection("rabbitmq.tls_certificate_file", nameof(ConnectionSettings.TlsCertificateFile), SettingKinds.ReadableFile, c => c.TlsCertificateFile, (c, v) => c.TlsCertificateFile = v),
        OnConnection("rabbitmq.tls_key_file", nameof(ConnectionSettings.TlsKeyFile), SettingKinds.ReadableFile, c => c.TlsKeyFile, (c, v) => c.TlsKeyFile = v),
        OnConnection("rabbitmq.tls_verify", nameof(ConnectionSettings.TlsVerify), SettingKinds.Boolean, c => c.TlsVerify, (c, v) => c.TlsVerify = v),
    ];

    private static IEnumerable<Setting> Queue() =>
    [
        OnWorker("worker.name", nameof(WorkerSettings.WorkerName), SettingKinds.Text, w => w.WorkerName, (w, v) => w.WorkerName = v, "ARQ_WORKER_NAME", "--worker-name",
            alias: "worker.worker_name", effective: _ => $"{Environment.MachineName}-{Environment.ProcessId}"),
        OnWorker("worker.queue_name", nameof(WorkerSettings.QueueName), SettingKinds.QueueName, w => w.QueueName, (w, v) => w.QueueName = v, "ARQ_QUEUE_NAME", "--queue"),
        new QueueListSetting { Key = "worker.queues" },
        OnWorker("worker.dlq_name", nameof(WorkerSettings.DeadLetterQueueName), SettingKinds.OptionalQueueName, w => w.DeadLetterQueueName, (w, v) => w.DeadLetterQueueName = v,
            effective: t => t.Worker.QueueName + ".dlq"),
        OnWorker("worker.queue_type", nameof(WorkerSettings.QueueType), SettingKinds.QueueTypeKind, w => w.QueueType, (w, v) => w.QueueType = v),
        OnWorker("worker.queue_durable", nameof(WorkerSettings.QueueDurable), SettingKinds.Boolean, w => w.QueueDurable, (w, v) => w.QueueDurable = v),
        OnWorker("worker.queue_exclusive", nameof(WorkerSettings.QueueExclusive), SettingKinds.Boolean, w => w.QueueExclusive, (w, v) => w.QueueExclusive = v),
        OnWorker("worker.queue_auto_delete", nameof(WorkerSettings.QueueAutoDelete), SettingKinds.Boolean, w => w.QueueAutoDelete, (w, v) => w.QueueAutoDelete = v),
        OnWorker("worker.queue_max_priority", nameof(WorkerSettings.QueueMaxPriority), SettingKinds.Integer(0, 255), w => w.QueueMaxPriority, (w, v) => w.QueueMaxPriority = v),
        new Setting<TimeSpan>
        {
            Key = "worker.job_expires",
            Kind = SettingKinds.DurationOrNever(Moment, TimeSpan.FromDays(3650)),
            Property = nameof(ClientSettings.Expires),
            Owner = target => target.Client,
            Get = target => target.Client.Expires,
            Set = (target, value) => target.Client.Expires = value,
        },
    ];

    private static IEnumerable<Setting> Running() =>
    [
        OnWorker("worker.max_concurrent_jobs", nameof(WorkerSettings.MaxConcurrentJobs), SettingKinds.Integer(1, LargestPrefetch), w => w.MaxConcurrentJobs, (w, v) => w.MaxConcurrentJobs = v, "ARQ_MAX_CONCURRENT_JOBS", "--max-concurrent-jobs",
            alias: "worker.max_workers"),
        OnWorker("worker.max_retries", nameof(WorkerSettings.MaxRetries), SettingKinds.Integer(0, 10_000), w => w.MaxRetries, (w, v) => w.MaxRetries = v, "ARQ_MAX_RETRIES"),
        OnWorker("worker.retry_backoff", nameof(WorkerSettings.RetryBackoff), SettingKinds.Duration(TimeSpan.Zero, Month), w => w.RetryBackoff, (w, v) => w.RetryBackoff = v, "ARQ_RETRY_BACKOFF"),
        OnWorker("worker.retry_unknown_errors", nameof(WorkerSettings.RetryUnknownErrors), SettingKinds.Boolean, w => w.RetryUnknownErrors, (w, v) => w.RetryUnknownErrors = v),
        OnWorker("worker.job_timeout", nameof(WorkerSettings.JobTimeout), SettingKinds.Duration(Moment, Month), w => w.JobTimeout, (w, v) => w.JobTimeout = v, "ARQ_JOB_TIMEOUT"),
        OnWorker("worker.stuck_grace", nameof(WorkerSettings.StuckGrace), SettingKinds.Duration(TimeSpan.Zero, Hour), w => w.StuckGrace, (w, v) => w.StuckGrace = v),
        OnWorker("worker.job_completion_wait", nameof(WorkerSettings.JobCompletionWait), SettingKinds.Duration(TimeSpan.Zero, Month), w => w.JobCompletionWait, (w, v) => w.JobCompletionWait = v),
        OnWorker("worker.graceful_shutdown_timeout", nameof(WorkerSettings.GracefulShutdownTimeout), SettingKinds.Duration(TimeSpan.Zero, Month), w => w.GracefulShutdownTimeout, (w, v) => w.GracefulShutdownTimeout = v),
        OnWorker("worker.handle_signals", nameof(WorkerSettings.HandleSignals), SettingKinds.Boolean, w => w.HandleSignals, (w, v) => w.HandleSignals = v, reach: SettingReach.NotInHost),
    ];

    private static IEnumerable<Setting> Burst() =>
    [
        OnWorker("worker.burst_mode", nameof(WorkerSettings.BurstMode), SettingKinds.Boolean, w => w.BurstMode, (w, v) => w.BurstMode = v, "ARQ_BURST_MODE", "--burst"),
        OnWorker("worker.burst_timeout", nameof(WorkerSettings.BurstTimeout), SettingKinds.Duration(Moment, Month), w => w.BurstTimeout, (w, v) => w.BurstTimeout = v, "ARQ_BURST_TIMEOUT", "--burst-timeout"),
        OnWorker("worker.burst_check_interval", nameof(WorkerSettings.BurstCheckInterval), SettingKinds.Duration(Moment, Hour), w => w.BurstCheckInterval, (w, v) => w.BurstCheckInterval = v, option: "--burst-check-interval"),
        OnWorker("worker.burst_wait_for_tasks", nameof(WorkerSettings.BurstWaitForTasks), SettingKinds.Boolean, w => w.BurstWaitForTasks, (w, v) => w.BurstWaitForTasks = v, option: "--no-wait-tasks"),
        OnWorker("worker.burst_exit_on_empty", nameof(WorkerSettings.BurstExitOnEmpty), SettingKinds.Boolean, w => w.BurstExitOnEmpty, (w, v) => w.BurstExitOnEmpty = v),
        OnWorker("worker.burst_count_delayed", nameof(WorkerSettings.BurstCountDelayed), SettingKinds.Boolean, w => w.BurstCountDelayed, (w, v) => w.BurstCountDelayed = v),
    ];

    private static IEnumerable<Setting> Results() =>
    [
        OnWorker("worker.result_storage.enabled", nameof(WorkerSettings.EnableResultStorage), SettingKinds.Boolean, w => w.EnableResultStorage, (w, v) => w.EnableResultStorage = v, "ARQ_ENABLE_RESULT_STORAGE"),
        OnWorker("worker.result_storage.store_url", nameof(WorkerSettings.ResultStoreUrl), SettingKinds.StoreUrl, w => w.ResultStoreUrl, (w, v) => w.ResultStoreUrl = v, "ARQ_RESULT_STORE_URL",
            effective: t => t.Worker.Connection.Url.StartsWith("sqlite:", StringComparison.OrdinalIgnoreCase) ? BrokerUrl.Mask(t.Worker.Connection.Url) : null),
        OnWorker("worker.result_storage.ttl", nameof(WorkerSettings.ResultTtl), SettingKinds.Duration(Second, TimeSpan.FromDays(3650)), w => w.ResultTtl, (w, v) => w.ResultTtl = v, "ARQ_RESULT_STORE_TTL"),
    ];

    private static IEnumerable<Setting> Logging() =>
    [
        OnWorker("logging.level", nameof(WorkerSettings.LogLevel), SettingKinds.LogLevelKind, w => w.LogLevel, (w, v) => w.LogLevel = v, "ARQ_LOG_LEVEL", "--log-level", reach: SettingReach.NotInHost),
        OnWorker("logging.format", nameof(WorkerSettings.LogFormat), SettingKinds.LogFormat, w => w.LogFormat, (w, v) => w.LogFormat = v, reach: SettingReach.NotInHost),
        OnWorker("logging.file", nameof(WorkerSettings.LogFile), SettingKinds.Text, w => w.LogFile, (w, v) => w.LogFile = v, reach: SettingReach.CommandLineOnly),
    ];

    private static Setting<T> OnWorker<T>(
        string key, string property, SettingKind<T> kind, Func<WorkerSettings, T> get, Action<WorkerSettings, T> set, string? variable = null, string? option = null,
        string? alias = null, SettingReach reach = SettingReach.Everywhere, Func<SettingsTarget, string?>? effective = null) => new()
        {
            Key = key,
            Aliases = alias is null ? [] : [alias],
            Variable = variable,
            Option = option,
            Reach = reach,
            Kind = kind,
            Property = property,
            Owner = target => target.Worker,
            Get = target => get(target.Worker),
            Set = (target, value) => set(target.Worker, value),
            Effective = effective,
        };

    private static Setting<T> OnConnection<T>(
        string key, string property, SettingKind<T> kind, Func<ConnectionSettings, T> get, Action<ConnectionSettings, T> set, string? variable = null, string? option = null) => new()
        {
            Key = key,
            Variable = variable,
            Option = option,
            Kind = kind,
            Property = property,
            Owner = target => target.Worker.Connection,
            Get = target => get(target.Worker.Connection),
            Set = (target, value) => set(target.Worker.Connection, value),
        };
}
