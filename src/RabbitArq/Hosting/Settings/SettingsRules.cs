using System.Globalization;
using RabbitArq.Brokers;
using RabbitArq.Localization;
using RabbitArq.Routing;
using RabbitArq.Workers;

namespace RabbitArq.Hosting.Settings;

/// <summary>
/// What settings mean for each other. A default that does not fit what was set is derived from it; two values that were both
/// set and do not go together are a mistake.
/// </summary>
internal static class SettingsRules
{
    private static readonly string[] KnownSchemes = ["amqp", "amqps", "sqlite"];

    /// <summary>Defaults that follow from what was set.</summary>
    public static void Derive(SettingsTarget target, Dictionary<Setting, SettingOrigin> origins)
    {
        var worker = target.Worker;
        if (IsDefault("worker.queue_name") && !IsDefault("worker.queues") && worker.Queues.Count > 0 && !OfCode("worker.queues"))
        {
            // A list of queues in configuration is all of them; code adds to its queue.
            Set("worker.queue_name", nameof(WorkerSettings.QueueName), () => worker.QueueName = worker.Queues[0].Name, "worker.queues");
        }

        if (IsDefault("rabbitmq.prefetch_count") && worker.PrefetchCount < worker.MaxConcurrentJobs)
        {
            Set("rabbitmq.prefetch_count", nameof(WorkerSettings.PrefetchCount), () => worker.PrefetchCount = worker.MaxConcurrentJobs, "worker.max_concurrent_jobs");
        }

        if (IsDefault("worker.job_completion_wait") && worker.JobCompletionWait > worker.GracefulShutdownTimeout)
        {
            Set("worker.job_completion_wait", nameof(WorkerSettings.JobCompletionWait), () => worker.JobCompletionWait = worker.GracefulShutdownTimeout, "worker.graceful_shutdown_timeout");
        }

        if (IsDefault("worker.burst_check_interval") && worker.BurstCheckInterval > worker.BurstTimeout)
        {
            Set("worker.burst_check_interval", nameof(WorkerSettings.BurstCheckInterval), () => worker.BurstCheckInterval = worker.BurstTimeout, "worker.burst_timeout");
        }

        bool IsDefault(string key) => origins[SettingsCatalog.Of(key)].Level == SettingLevel.Default;

        bool OfCode(string key) => origins[SettingsCatalog.Of(key)].Level == SettingLevel.Code;

        void Set(string key, string property, Action set, string from)
        {
            set();
            worker.Unassign(property);
            origins[SettingsCatalog.Of(key)] = new SettingOrigin(SettingLevel.Default, from);
        }
    }

    /// <summary>Checks what each setting alone cannot.</summary>
    public static void Check(
        SettingsTarget target, IReadOnlyDictionary<Setting, SettingOrigin> origins, SettingsPlace place, ICollection<string> errors, ICollection<string> warnings)
    {
        var check = new Checks(target, origins, errors);
        CheckBroker(check, place, warnings);
        CheckQueueKind(check);
        CheckQueueNames(check);
        CheckLimits(check);
    }

    private static void CheckBroker(Checks check, SettingsPlace place, ICollection<string> warnings)
    {
        var connection = check.Worker.Connection;
        if (place.IsProduction && check.IsDefault("rabbitmq.url"))
        {
            check.Errors.Add(Texts.BrokerUrlMissing(BrokerUrl.Default));
        }

        var scheme = BrokerUrl.SchemeOf(connection.Url);
        if (!place.HasOwnBrokers && !KnownSchemes.Contains(scheme))
        {
            check.Fail("rabbitmq.url", Texts.AllowedBrokerUrl());
        }
        else if (scheme is "amqp" or "amqps" && !Uri.TryCreate(connection.Url, UriKind.Absolute, out _))
        {
            check.Fail("rabbitmq.url", Texts.AllowedBrokerUrl());
        }

        if (connection is { TlsKeyFile: not null, TlsCertificateFile: null })
        {
            check.Fail("rabbitmq.tls_key_file", Texts.AllowedOnlyWith("rabbitmq.tls_certificate_file"));
        }

        foreach (var key in (string[])["rabbitmq.tls_ca_file", "rabbitmq.tls_certificate_file", "rabbitmq.tls_verify"])
        {
            if (scheme != "amqps" && !check.IsDefault(key))
            {
                warnings.Add(Texts.SettingOnlyWithTls(key, check.OriginOf(key).ToString()));
            }
        }

        if (check.Worker is { EnableResultStorage: true, ResultStoreUrl: null } && scheme != "sqlite" && !check.IsDefault("worker.result_storage.enabled"))
        {
            check.Fail("worker.result_storage.enabled", Texts.AllowedOnlyWith("worker.result_storage.store_url"));
        }
    }

    private static void CheckQueueKind(Checks check)
    {
        var worker = check.Worker;
        if (worker.QueueType == QueueType.Classic)
        {
            return;
        }

        var needClassic = Texts.AllowedOnlyClassic();
        check.FailIf(worker.QueueExclusive, "worker.queue_exclusive", needClassic);
        check.FailIf(worker.QueueAutoDelete, "worker.queue_auto_delete", needClassic);
        check.FailIf(!worker.QueueDurable, "worker.queue_durable", needClassic);
        check.FailIf(worker.QueueMaxPriority > 0, "worker.queue_max_priority", needClassic);
    }

    private static void CheckQueueNames(Checks check)
    {
        var worker = check.Worker;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var queue in worker.Queues)
        {
            check.FailIf(!seen.Add(queue.Name), "worker.queues", Texts.AllowedQueueOnce(queue.Name));
        }

        var queues = JobWorker.QueuesOf(worker);
        foreach (var (queue, _, _) in queues.Where(queue => queues.Any(other => other.Queue.Name == queue.Queue.DeadLetterQueueName)))
        {
            check.Fail(queue.Name == worker.QueueName ? "worker.dlq_name" : "worker.queues", Texts.AllowedNotAJobQueue(queue.DeadLetterQueueName));
        }
    }

    private static void CheckLimits(Checks check)
    {
        var worker = check.Worker;
        check.FailIf(
            worker.PrefetchCount < worker.MaxConcurrentJobs && !check.IsDefault("rabbitmq.prefetch_count"),
            "rabbitmq.prefetch_count",
            Texts.AllowedAtLeast("worker.max_concurrent_jobs", worker.MaxConcurrentJobs.ToString(CultureInfo.InvariantCulture)));
        foreach (var queue in worker.Queues)
        {
            var concurrency = Math.Min(queue.MaxConcurrentJobs ?? worker.MaxConcurrentJobs, worker.MaxConcurrentJobs);
            check.FailIf(
                queue.PrefetchCount < concurrency,
                "worker.queues",
                Texts.AllowedAtLeast($"prefetch_count ({queue.Name})", concurrency.ToString(CultureInfo.InvariantCulture)));
            check.FailIf(
                queue.MaxConcurrentJobs > worker.MaxConcurrentJobs,
                "worker.queues",
                Texts.AllowedAtMost($"worker.max_concurrent_jobs ({queue.Name})", worker.MaxConcurrentJobs.ToString(CultureInfo.InvariantCulture)));
        }

        check.FailIf(
            worker.JobCompletionWait > worker.GracefulShutdownTimeout,
            "worker.job_completion_wait",
            Texts.AllowedAtMost("worker.graceful_shutdown_timeout", DurationText.Format(worker.GracefulShutdownTimeout)));
        check.FailIf(
            worker.BurstCheckInterval > worker.BurstTimeout,
            "worker.burst_check_interval",
            Texts.AllowedAtMost("worker.burst_timeout", DurationText.Format(worker.BurstTimeout)));
    }

    private sealed record Checks(SettingsTarget Target, IReadOnlyDictionary<Setting, SettingOrigin> Origins, ICollection<string> Errors)
    {
        public WorkerSettings Worker => Target.Worker;

        public SettingOrigin OriginOf(string key) => Origins[SettingsCatalog.Of(key)];

        public bool IsDefault(string key) => OriginOf(key).Level == SettingLevel.Default;

        public void FailIf(bool wrong, string key, string allowed)
        {
            if (wrong)
            {
                Fail(key, allowed);
            }
        }

        public void Fail(string key, string allowed) =>
            Errors.Add(Texts.SettingInvalid(key, SettingsCatalog.Of(key).Show(Target) ?? "", OriginOf(key).ToString(), allowed));
    }
}
