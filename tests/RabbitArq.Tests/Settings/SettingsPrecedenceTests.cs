using Microsoft.Extensions.Logging;
using RabbitArq.Hosting.Settings;
using Shouldly;
using Xunit;
using static RabbitArq.Tests.Settings.SettingsFixture;

namespace RabbitArq.Tests.Settings;

public sealed class SettingsPrecedenceTests
{
    private static readonly SettingsSource InFile = File(("worker.max_retries", "11"));
    private static readonly SettingsSource InEnvironment = Variables(("ARQ_MAX_RETRIES", "12"));
    private static readonly SettingsSource InCommandLine = CommandLine(("worker.max_retries", "13"));

    [Fact]
    public void Nothing_given_leaves_the_default()
    {
        var resolved = Resolve();

        resolved.Worker.MaxRetries.ShouldBe(3);
        resolved.OriginOf("worker.max_retries").Level.ShouldBe(SettingLevel.Default);
        resolved.Errors.ShouldBeEmpty();
        resolved.Warnings.ShouldBeEmpty();
    }

    [Fact]
    public void A_file_wins_over_the_default()
    {
        var resolved = Resolve(InFile);

        resolved.Worker.MaxRetries.ShouldBe(11);
        resolved.OriginOf("worker.max_retries").ShouldBe(new SettingOrigin(SettingLevel.File, "arq.yaml, line 3"));
    }

    [Fact]
    public void The_environment_wins_over_a_file_in_whatever_order_they_are_read()
    {
        Resolve(InFile, InEnvironment).Worker.MaxRetries.ShouldBe(12);
        Resolve(InEnvironment, InFile).Worker.MaxRetries.ShouldBe(12);
    }

    [Fact]
    public void The_command_line_wins_over_the_environment()
    {
        var resolved = Resolve(InCommandLine, InEnvironment, InFile);

        resolved.Worker.MaxRetries.ShouldBe(13);
        resolved.OriginOf("worker.max_retries").Level.ShouldBe(SettingLevel.CommandLine);
    }

    [Fact]
    public void Code_wins_over_everything_and_an_option_that_loses_is_told()
    {
        var resolved = Resolve(new WorkerSettings { MaxRetries = 3 }, InFile, InEnvironment, InCommandLine);

        resolved.Worker.MaxRetries.ShouldBe(3);
        resolved.OriginOf("worker.max_retries").Level.ShouldBe(SettingLevel.Code);
        resolved.Warnings.ShouldHaveSingleItem().ShouldContain("--set");
    }

    [Fact]
    public void What_configuration_has_set_does_not_count_as_set_by_code()
    {
        var worker = new WorkerSettings();
        Resolve(worker, InFile);

        Resolve(worker, InEnvironment).Worker.MaxRetries.ShouldBe(12);
    }

    [Fact]
    public void Only_the_value_that_wins_is_read()
    {
        var resolved = Resolve(File(("worker.max_retries", "many")), InEnvironment);

        resolved.Errors.ShouldBeEmpty();
        resolved.Worker.MaxRetries.ShouldBe(12);
    }

    [Fact]
    public void Every_documented_variable_reaches_its_property()
    {
        var worker = Resolve(Variables(
            ("RABBITMQ_URL", "amqp://a:b@h/v"), ("RABBITMQ_PREFETCH_COUNT", "50"), ("RABBITMQ_CONNECTION_TIMEOUT", "7"), ("ARQ_LOG_LEVEL", "warn"),
            ("ARQ_MAX_CONCURRENT_JOBS", "20"), ("ARQ_JOB_TIMEOUT", "60"), ("ARQ_MAX_RETRIES", "5"), ("ARQ_RETRY_BACKOFF", "2.5"), ("ARQ_WORKER_NAME", "w1"),
            ("ARQ_QUEUE_NAME", "mail"), ("ARQ_BURST_MODE", "true"), ("ARQ_BURST_TIMEOUT", "10m"), ("ARQ_RESULT_STORE_URL", "sqlite:r.db"),
            ("ARQ_RESULT_STORE_TTL", "3600"), ("ARQ_ENABLE_RESULT_STORAGE", "true"), ("ARQ_LANG", "zh"))) is { Errors: [], Warnings: [] } resolved ? resolved.Worker : null;

        worker.ShouldNotBeNull();
        worker.Connection.Url.ShouldBe("amqp://a:b@h/v");
        worker.PrefetchCount.ShouldBe(50);
        worker.Connection.ConnectionTimeout.ShouldBe(TimeSpan.FromSeconds(7));
        worker.LogLevel.ShouldBe(LogLevel.Warning);
        worker.MaxConcurrentJobs.ShouldBe(20);
        worker.JobTimeout.ShouldBe(TimeSpan.FromMinutes(1));
        worker.MaxRetries.ShouldBe(5);
        worker.RetryBackoff.ShouldBe(TimeSpan.FromSeconds(2.5));
        worker.WorkerName.ShouldBe("w1");
        worker.QueueName.ShouldBe("mail");
        worker.BurstMode.ShouldBeTrue();
        worker.BurstTimeout.ShouldBe(TimeSpan.FromMinutes(10));
        worker.ResultStoreUrl.ShouldBe("sqlite:r.db");
        worker.ResultTtl.ShouldBe(TimeSpan.FromHours(1));
        worker.EnableResultStorage.ShouldBeTrue();
    }

    [Theory]
    [InlineData("ARQ_WORKER_STUCK_GRACE")]
    [InlineData("RabbitArq__worker__stuck_grace")]
    [InlineData("RabbitArq__Worker__StuckGrace")]
    [InlineData("RABBITARQ__WORKER__STUCK_GRACE")]
    public void Every_key_has_a_variable_in_two_spellings(string variable)
    {
        Resolve(Variables((variable, "9"))).Worker.StuckGrace.ShouldBe(TimeSpan.FromSeconds(9));
    }

    [Fact]
    public void The_short_variable_wins_over_the_long_ones()
    {
        Resolve(Variables(("RabbitArq__worker__max_retries", "1"), ("ARQ_MAX_RETRIES", "2"), ("ARQ_WORKER_MAX_RETRIES", "3"))).Worker.MaxRetries.ShouldBe(2);
    }

    [Fact]
    public void An_empty_variable_is_as_good_as_none()
    {
        Resolve(InFile, Variables(("ARQ_MAX_RETRIES", ""))).Worker.MaxRetries.ShouldBe(11);
    }

    [Theory]
    [InlineData("worker.max_workers")]
    [InlineData("worker.max_concurrent_jobs")]
    [InlineData("Worker.MaxConcurrentJobs")]
    [InlineData("worker.max-concurrent-jobs")]
    public void A_key_may_be_written_in_other_spellings(string key)
    {
        Resolve(File((key, "4"))).Worker.MaxConcurrentJobs.ShouldBe(4);
    }

    [Fact]
    public void The_client_enqueues_where_the_worker_works()
    {
        var client = Resolve(File(("worker.queue_name", "mail"), ("worker.queue_type", "classic"), ("worker.queue_max_priority", "5"), ("worker.job_expires", "never"))).Client;

        client.QueueName.ShouldBe("mail");
        client.QueueType.ShouldBe(RabbitArq.Routing.QueueType.Classic);
        client.QueueMaxPriority.ShouldBe(5);
        client.Expires.ShouldBe(Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public void A_client_whose_code_names_a_queue_keeps_it()
    {
        var worker = new WorkerSettings();
        var client = new ClientSettings(worker.Connection) { QueueName = "other" };
        SettingsResolver.Resolve(worker, client, [Variables(("ARQ_QUEUE_NAME", "mail"))], new SettingsPlace());

        client.QueueName.ShouldBe("other");
    }

    [Fact]
    public void A_setting_that_has_no_effect_in_its_place_is_told()
    {
        var host = new SettingsPlace { Reach = SettingReach.Everywhere };
        Resolve(new WorkerSettings(), host, Variables(("ARQ_LOG_LEVEL", "debug"))).Warnings.ShouldHaveSingleItem().ShouldContain("logging.level");

        var alone = new SettingsPlace { Reach = SettingReach.NotInHost };
        Resolve(new WorkerSettings(), alone, Variables(("ARQ_LOG_LEVEL", "debug"))).Warnings.ShouldBeEmpty();
        Resolve(new WorkerSettings(), alone, File(("logging.file", "x.log"))).Warnings.ShouldHaveSingleItem().ShouldContain("rabbitmq-arq");
    }
}
