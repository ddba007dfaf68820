using RabbitArq.Hosting.Settings;
using RabbitArq.Routing;
using Shouldly;
using Xunit;
using static RabbitArq.Tests.Settings.SettingsFixture;

namespace RabbitArq.Tests.Settings;

public sealed class SettingsRulesTests
{
    /// <summary>Each setting with a value that it cannot take.</summary>
    public static TheoryData<string, string> Wrong { get; } = new(
        ("rabbitmq.url", "localhost"),
        ("rabbitmq.url", "http://localhost/"),
        ("rabbitmq.url", "amqp://a b/c:d:e"),
        ("rabbitmq.prefetch_count", "0"),
        ("rabbitmq.prefetch_count", "2001"),
        ("rabbitmq.connection_timeout", "0"),
        ("rabbitmq.publish_timeout", "-1"),
        ("rabbitmq.heartbeat", "0.1"),
        ("rabbitmq.tls_ca_file", "/no/such/file.pem"),
        ("rabbitmq.tls_certificate_file", "/no/such/file.pem"),
        ("rabbitmq.tls_key_file", "/no/such/file.pem"),
        ("rabbitmq.tls_verify", "maybe"),
        ("worker.name", " "),
        ("worker.queue_name", "amq.mine"),
        ("worker.queues", "amq.mine"),
        ("worker.dlq_name", " "),
        ("worker.queue_type", "stream"),
        ("worker.queue_durable", "2"),
        ("worker.queue_exclusive", "x"),
        ("worker.queue_auto_delete", "x"),
        ("worker.queue_max_priority", "256"),
        ("worker.job_expires", "0"),
        ("worker.max_concurrent_jobs", "ten"),
        ("worker.max_retries", "-1"),
        ("worker.retry_backoff", "5x"),
        ("worker.retry_unknown_errors", "x"),
        ("worker.job_timeout", "0"),
        ("worker.stuck_grace", "-1s"),
        ("worker.job_completion_wait", "x"),
        ("worker.graceful_shutdown_timeout", "x"),
        ("worker.handle_signals", "x"),
        ("worker.burst_mode", "x"),
        ("worker.burst_timeout", "99999999999999999999"),
        ("worker.burst_check_interval", "0"),
        ("worker.burst_wait_for_tasks", "x"),
        ("worker.burst_exit_on_empty", "x"),
        ("worker.burst_count_delayed", "x"),
        ("worker.result_storage.enabled", "x"),
        ("worker.result_storage.store_url", "results"),
        ("worker.result_storage.ttl", "0"),
        ("logging.level", "loud"),
        ("logging.format", "xml"),
        ("logging.file", " "));

    /// <summary>Values that do not go together; the key that is blamed comes first.</summary>
    public static TheoryData<string, string> Together { get; } = new(
        ("worker.queue_exclusive", "worker.queue_exclusive=true"),
        ("worker.queue_auto_delete", "worker.queue_auto_delete=true"),
        ("worker.queue_durable", "worker.queue_durable=false"),
        ("worker.queue_max_priority", "worker.queue_max_priority=9"),
        ("rabbitmq.prefetch_count", "rabbitmq.prefetch_count=5 worker.max_concurrent_jobs=6"),
        ("worker.job_completion_wait", "worker.job_completion_wait=31s"),
        ("worker.burst_check_interval", "worker.burst_check_interval=2 worker.burst_timeout=1"),
        ("worker.dlq_name", "worker.queue_name=a worker.dlq_name=a"),
        ("worker.queues", "worker.queues=a,b,a"),
        ("worker.queues", "worker.queue_name=b.dlq worker.queues=b"),
        ("worker.queues", "worker.queues.0.name=a worker.queues.0.prefetch_count=2 worker.queues.0.max_concurrent_jobs=3"),
        ("worker.queues", "worker.queues.0.name=a worker.queues.0.max_concurrent_jobs=11"),
        ("worker.queues.0.speed", "worker.queues.0.name=a worker.queues.0.speed=3"),
        ("worker.queues.0.max_concurrent_jobs", "worker.queues.0.name=a worker.queues.0.max_concurrent_jobs=x"),
        ("worker.queues.0.prefetch_count", "worker.queues.0.prefetch_count=3"),
        ("worker.queues", "worker.queues.mail.name=a"),
        ("worker.result_storage.enabled", "worker.result_storage.enabled=true rabbitmq.url=amqp://h/"));

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_value_that_is_not_allowed_is_an_error_with_key_value_source_and_what_is_allowed(string key, string value)
    {
        var error = Resolve(File((key, value))).Errors.ShouldHaveSingleItem();

        error.ShouldStartWith(key);
        error.ShouldContain($"'{value}'");
        error.ShouldContain("arq.yaml, line 3");
        error.ShouldContain("allowed is ");
    }

    [Fact]
    public void Every_setting_has_a_test_of_a_wrong_value()
    {
        Wrong.Select(row => row.Data.Item1).Distinct().Order().ShouldBe(SettingsCatalog.All.Select(setting => setting.Key).Order());
    }

    [Theory]
    [MemberData(nameof(Together))]
    public void Values_that_do_not_go_together_are_an_error(string key, string settings)
    {
        var given = settings.Split(' ').Select(pair => (pair.Split('=', 2)[0], pair.Split('=', 2)[1])).ToArray();

        Resolve(File(given)).Errors.ShouldHaveSingleItem().ShouldStartWith(key + " ");
    }

    [Fact]
    public void All_mistakes_come_in_one_exception()
    {
        var resolved = Resolve(new WorkerSettings { MaxRetries = -5 }, File(("worker.job_timeout", "soon")), Variables(("ARQ_QUEUE_NAME", "amq.x")), CommandLine(("logging.level", "loud")));

        var exception = Should.Throw<InvalidSettingsException>(resolved.ThrowIfInvalid);
        exception.Errors.Count.ShouldBe(4);
        foreach (var part in (string[])["worker.max_retries", "'-5' (code)", "worker.job_timeout", "ARQ_QUEUE_NAME", "--set", "loud"])
        {
            exception.Message.ShouldContain(part);
        }
    }

    [Theory]
    [InlineData("worker.max_retrys", "worker.max_retries")]
    [InlineData("worker.maxRetires", "worker.max_retries")]
    [InlineData("workers.queue_name", "worker.queue_name")]
    [InlineData("worker.result_storage.store_uri", "worker.result_storage.store_url")]
    [InlineData("logging.levle", "logging.level")]
    public void An_unknown_key_is_a_warning_with_the_nearest_one(string key, string nearest)
    {
        var resolved = Resolve(File((key, "1")));

        resolved.Errors.ShouldBeEmpty();
        resolved.Warnings.ShouldHaveSingleItem().ShouldContain($"Did you mean {nearest}?");
    }

    [Fact]
    public void A_key_like_none_is_a_warning_without_advice()
    {
        Resolve(File(("frobnicate", "1"))).Warnings.ShouldHaveSingleItem().ShouldNotContain("Did you mean");
    }

    [Fact]
    public void An_unknown_variable_is_a_warning_but_one_of_the_server_is_not()
    {
        Resolve(Variables(("ARQ_MAX_RETRY", "1"))).Warnings.ShouldHaveSingleItem().ShouldContain("ARQ_MAX_RETRIES");
        Resolve(Variables(("RABBITMQ_URI", "amqp://h/"))).Warnings.ShouldHaveSingleItem().ShouldContain("RABBITMQ_URL");
        Resolve(Variables(("RABBITMQ_NODENAME", "rabbit@h"), ("RABBITMQ_CONFIG_FILE", "x"))).Warnings.ShouldBeEmpty();
    }

    [Fact]
    public void A_list_of_queues_may_be_text_names_or_objects()
    {
        Resolve(File(("worker.queues", "a, b"))).Worker.Queues.ShouldBe([new WorkerQueue("a"), new WorkerQueue("b")]);
        Resolve(File(("worker.queues.0", "a"), ("worker.queues.1.name", "b"), ("worker.queues.1.max_workers", "2"), ("worker.queues.1.prefetch_count", "4"), ("worker.queues.1.dlq_name", "dead")))
            .Worker.Queues.ShouldBe([new WorkerQueue("a"), new WorkerQueue("b") { MaxConcurrentJobs = 2, PrefetchCount = 4, DeadLetterQueueName = "dead" }]);
    }

    [Fact]
    public void A_list_of_queues_without_a_queue_name_is_all_of_them()
    {
        var listed = Resolve(File(("worker.queues", "a,b")));
        listed.Worker.QueueName.ShouldBe("a");
        listed.Client.QueueName.ShouldBe("a");

        Resolve(File(("worker.queues", "a,b"), ("worker.queue_name", "c"))).Worker.QueueName.ShouldBe("c");
    }

    [Fact]
    public void A_default_that_does_not_fit_is_derived_from_what_was_set()
    {
        var worker = Resolve(File(("worker.max_concurrent_jobs", "300"), ("worker.graceful_shutdown_timeout", "2s"), ("worker.burst_timeout", "0.5"))).Worker;

        worker.PrefetchCount.ShouldBe(300);
        worker.JobCompletionWait.ShouldBe(TimeSpan.FromSeconds(2));
        worker.BurstCheckInterval.ShouldBe(TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public void Production_asks_for_a_broker_by_name_and_elsewhere_the_embedded_one_serves()
    {
        var production = new SettingsPlace { IsProduction = true };
        Resolve(new WorkerSettings(), production).Errors.ShouldHaveSingleItem().ShouldContain("RABBITMQ_URL");
        Resolve(new WorkerSettings(), production, Variables(("RABBITMQ_URL", "sqlite:jobs.db"))).Errors.ShouldBeEmpty();
        Resolve(new WorkerSettings { Connection = { Url = "sqlite:jobs.db" } }, production).Errors.ShouldBeEmpty();

        Resolve().IsEmbeddedByDefault.ShouldBeTrue();
        Resolve(Variables(("RABBITMQ_URL", "sqlite:jobs.db"))).IsEmbeddedByDefault.ShouldBeFalse();
    }

    [Fact]
    public void A_scheme_that_only_the_application_knows_is_left_to_it()
    {
        Resolve(new WorkerSettings { Connection = { Url = "mine:x" } }, new SettingsPlace { HasOwnBrokers = true }).Errors.ShouldBeEmpty();
    }

    [Fact]
    public void Tls_without_amqps_is_told()
    {
        Resolve(File(("rabbitmq.tls_verify", "false"), ("rabbitmq.url", "amqp://h/"))).Warnings.ShouldHaveSingleItem().ShouldContain("rabbitmq.tls_verify");
        Resolve(File(("rabbitmq.tls_verify", "false"), ("rabbitmq.url", "amqps://h/"))).Warnings.ShouldBeEmpty();
    }

    [Fact]
    public void No_secret_is_in_any_text()
    {
        const string secret = "s3cr3t";
        var url = $"amqp://user:{secret}@host/v?token={secret}";
        var all = new[]
        {
            Resolve(File(("rabbitmq.url", url), ("worker.result_storage.store_url", url))),
            Resolve(File(("rabbitmq.url", $"htp://user:{secret}@host/"))),
            Resolve(File(("worker.max_retries", url))),
            Resolve(File(("worker.queues", $"amq.{url}"))),
            Resolve(File(("rabbitmq.ulr", url))),
            Resolve(new WorkerSettings { Connection = { Url = $"x://{secret}@h" } }),
        };

        foreach (var resolved in all)
        {
            var text = string.Join('\n', resolved.Errors.Concat(resolved.Warnings).Concat(SettingsCatalog.All.Select(setting => resolved.Show(setting) ?? "")));
            text.ShouldNotContain(secret, Case.Sensitive, text);
        }

        all[0].Show(SettingsCatalog.Of("rabbitmq.url")).ShouldBe("amqp://user:***@host/v?token=***");
    }

    [Fact]
    public void A_default_is_allowed_and_shown_as_it_would_be_written()
    {
        var defaults = Resolve();
        foreach (var setting in SettingsCatalog.All.Where(setting => defaults.Show(setting) is not null))
        {
            var written = Resolve(File((setting.Key, defaults.Show(setting)!)), File(("worker.queue_type", "classic")));

            written.Errors.ShouldBeEmpty(setting.Key);
            if (setting.Key != "worker.queue_type")
            {
                written.Show(setting).ShouldBe(defaults.Show(setting), setting.Key);
            }
        }

        defaults.Worker.QueueType.ShouldBe(QueueType.Quorum);
    }

    [Fact]
    public void No_two_settings_share_a_name()
    {
        var keys = SettingsCatalog.All.SelectMany(setting => setting.Aliases.Prepend(setting.Key)).Select(GivenSetting.Normalize).ToList();
        keys.ShouldBeUnique();
        var variables = SettingsCatalog.All.SelectMany(setting => new[] { setting.KeyVariable, setting.Variable }.Distinct()).Where(name => name is not null).ToList();
        variables.ShouldBeUnique();
    }
}
