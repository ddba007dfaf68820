using RabbitArq.Cli.Configuration;
using RabbitArq.Hosting.Settings;
using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

public sealed class ConfigurationTests : IDisposable
{
    private const string Yaml =
        """
        # the broker
        rabbitmq:
          url: amqp://user:s3cr3t-pa55@host/v
          prefetch_count: 20
        worker:
          max_workers: 7
          job_timeout: 5m
          name: ~
          queues:
            - mail
            - name: reports
              max_concurrent_jobs: 2
          result_storage: { enabled: true, store_url: "sqlite:r.db", ttl: 3600 }
        logging: {level: debug, format: json}
        """;

    private const string Json =
        """
        {
          // the same
          "RabbitArq": {
            "rabbitmq": { "url": "amqp://user:s3cr3t-pa55@host/v", "prefetch_count": 20 },
            "worker": {
              "max_workers": 7, "job_timeout": "5m", "name": null,
              "queues": ["mail", { "name": "reports", "max_concurrent_jobs": 2 }],
              "result_storage": { "enabled": true, "store_url": "sqlite:r.db", "ttl": 3600 }
            },
            "logging": { "level": "debug", "format": "json", },
          }
        }
        """;

    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Theory]
    [InlineData("arq.yaml", Yaml, 7)]
    [InlineData("arq.json", Json, 6)]
    public void Yaml_and_json_say_the_same(string name, string content, int line)
    {
        var resolved = new CliSettings(_tool.Write(name, content), []).Resolve(new WorkerSettings());

        resolved.Errors.ShouldBeEmpty();
        resolved.Warnings.ShouldBeEmpty();
        var worker = resolved.Worker;
        worker.PrefetchCount.ShouldBe(20);
        worker.MaxConcurrentJobs.ShouldBe(7);
        worker.JobTimeout.ShouldBe(TimeSpan.FromMinutes(5));
        worker.WorkerName.ShouldBeNull();
        worker.Queues.ShouldBe([new WorkerQueue("mail"), new WorkerQueue("reports") { MaxConcurrentJobs = 2 }]);
        worker.QueueName.ShouldBe("mail");
        worker.ResultStoreUrl.ShouldBe("sqlite:r.db");
        worker.ResultTtl.ShouldBe(TimeSpan.FromHours(1));
        worker.LogFormat.ShouldBe("json");
        resolved.Origins[SettingsCatalog.Of("worker.job_timeout")].Detail.ShouldEndWith($"{name}, line {line}");
    }

    [Theory]
    [InlineData("a.yaml", "worker:\n  max_retries: [1\n", 3)]
    [InlineData("a.yaml", "worker:\n\tmax_retries: 1\n", 2)]
    [InlineData("a.yaml", "worker:\n  a: [1\n  b: 2\n", 2)]
    [InlineData("a.yaml", "- worker\n", 1)]
    [InlineData("a.yaml", "worker:\n  a: 1\n  a: 2\n", 3)]
    [InlineData("a.yaml", "worker: &x\n  a: 1\nlogging: *x\n", 3)]
    [InlineData("a.json", "{\n  \"worker\": {\n    max: 1 }\n}", 3)]
    [InlineData("a.json", "[]", 1)]
    [InlineData("a.json", "", 1)]
    [InlineData("a.json", "{} {}", 1)]
    public void A_file_that_cannot_be_read_says_at_which_line(string name, string content, int line)
    {
        var path = _tool.Write(name, content);

        Should.Throw<CliException>(() => SettingsFile.Read(path)).Message.ShouldContain($"'{path}' cannot be read at line {line}: ");
    }

    [Fact]
    public void An_empty_file_sets_nothing()
    {
        SettingsFile.Read(_tool.Write("a.yaml", "")).Values.ShouldBeEmpty();
        SettingsFile.Read(_tool.Write("b.yaml", "# nothing yet\n")).Values.ShouldBeEmpty();
        SettingsFile.Read(_tool.Write("c.json", "{}")).Values.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_source_is_shown_with_its_place()
    {
        var file = _tool.Write("arq.yaml", Yaml);

        var run = await _tool.With("ARQ_MAX_RETRIES", "9").With("ARQ_MAX_RETRYS", "9")
            .RunAsync("validate-config", "--config", file, "--queue", "other", "--set", "worker.stuck_grace=2", "--json");

        var settings = run.ShouldExitWith(0).Json["settings"]!.AsArray().ToDictionary(one => (string)one!["key"]!, one => one!);
        Show("rabbitmq.url").ShouldBe($"amqp://user:***@host/v | file | file {file}, line 3");
        Show("worker.max_retries").ShouldBe("9 | environment | environment variable ARQ_MAX_RETRIES");
        Show("worker.queue_name").ShouldBe("other | command-line | option --queue");
        Show("worker.stuck_grace").ShouldBe("2s | command-line | option --set");
        Show("worker.queue_type").ShouldBe("quorum | default | default");
        run.Json["warnings"]!.AsArray().ShouldHaveSingleItem()!.ToString().ShouldContain("Did you mean ARQ_MAX_RETRIES?");

        string Show(string key) => $"{settings[key]["value"]} | {settings[key]["level"]} | {settings[key]["source"]}";
    }

    [Fact]
    public async Task Mistakes_are_shown_all_at_once_and_fail()
    {
        var file = _tool.Write("arq.yaml", "worker:\n  max_retries: lots\n  queue_typ: classic\nlogging:\n  level: loud\n");

        var run = (await _tool.With("ARQ_JOB_TIMEOUT", "x").RunAsync("validate-config", "--config", file)).ShouldExitWith(1);

        run.Error.Split('\n').Count(line => line.StartsWith("error: ", StringComparison.Ordinal)).ShouldBe(3);
        run.Error.ShouldContain($"worker.max_retries is 'lots' (file {file}, line 2); allowed is a whole number from 0 to 10000.");
        run.Error.ShouldContain("warning: worker.queue_typ");
        run.Out.ShouldContain("The configuration has 3 mistake(s).");
    }

    [Theory]
    [InlineData("nosuch.yaml", "does not exist")]
    [InlineData("arq.toml", "neither .yaml, .yml nor .json")]
    public async Task A_file_that_is_not_there_or_of_no_known_kind_is_told(string name, string reason)
    {
        _tool.Write("arq.toml", "");

        (await _tool.RunAsync("validate-config", "--config", name)).ShouldExitWith(1).Error.ShouldContain(reason);
    }

    [Fact]
    public async Task In_production_a_broker_must_be_named()
    {
        var run = await _tool.With("DOTNET_ENVIRONMENT", "Production").RunAsync("enqueue", "ping");

        run.ShouldExitWith(1).Error.ShouldContain("RABBITMQ_URL");
        Directory.GetFiles(_tool.Folder, "*.db").ShouldBeEmpty();
    }
}
