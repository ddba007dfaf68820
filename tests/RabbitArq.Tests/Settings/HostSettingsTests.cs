using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Hosting.Settings;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Settings;

public sealed class HostSettingsTests
{
    private const string Json = """{ "RabbitArq": { "Worker": { "MaxRetries": 11, "queues": [ "a", { "name": "b", "max_concurrent_jobs": 2 } ] } } }""";

    [Fact]
    public void The_section_of_the_configuration_counts_as_a_file()
    {
        var builder = Builder();
        builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(Json)));
        builder.AddRabbitArq(arq => arq.AddWorker(_ => { }));
        using var host = builder.Build();

        var resolved = host.Services.GetRequiredService<ResolvedSettings>();
        resolved.Errors.ShouldBeEmpty();
        resolved.Worker.MaxRetries.ShouldBe(11);
        resolved.Worker.Queues.ShouldBe([new WorkerQueue("a"), new WorkerQueue("b") { MaxConcurrentJobs = 2 }]);
        resolved.OriginOf("worker.max_retries").Level.ShouldBe(SettingLevel.File);
    }

    [Fact]
    public void The_command_line_of_the_host_wins_over_its_files_and_code_wins_over_both()
    {
        var builder = Builder();
        builder.Configuration.AddCommandLine(["--RabbitArq:worker:max_retries=13", "--RabbitArq:worker:job_timeout=9"]);
        builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes("""{ "RabbitArq": { "worker": { "stuck_grace": "2s" } } }""")));
        builder.AddRabbitArq(arq => arq.AddWorker(worker => worker.JobTimeout = TimeSpan.FromSeconds(7)));
        using var host = builder.Build();

        var resolved = host.Services.GetRequiredService<ResolvedSettings>();
        resolved.Worker.MaxRetries.ShouldBe(13);
        resolved.OriginOf("worker.max_retries").ShouldBe(new SettingOrigin(SettingLevel.CommandLine, "--RabbitArq:worker:max_retries"));
        resolved.Worker.StuckGrace.ShouldBe(TimeSpan.FromSeconds(2));
        resolved.Worker.JobTimeout.ShouldBe(TimeSpan.FromSeconds(7));
        resolved.OriginOf("worker.job_timeout").Level.ShouldBe(SettingLevel.Code);
    }

    [Fact]
    public void A_source_that_is_added_later_counts_too()
    {
        var builder = Builder();
        builder.AddRabbitArq();
        builder.Configuration.AddInMemoryCollection([new("RabbitArq:worker:queue_name", "late")]);
        using var host = builder.Build();

        host.Services.GetRequiredService<ResolvedSettings>().Client.QueueName.ShouldBe("late");
    }

    [Fact]
    public void Services_without_a_host_take_the_configuration_that_they_are_given()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("RabbitArq:worker:queue_name", "given")]).Build();
        using var provider = new ServiceCollection().AddRabbitArq(configuration: configuration).BuildServiceProvider();

        provider.GetRequiredService<ResolvedSettings>().Client.QueueName.ShouldBe("given");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Mistakes_keep_the_host_from_starting(bool withWorker)
    {
        var builder = Builder();
        builder.Configuration.AddInMemoryCollection([new("RabbitArq:worker:max_retries", "lots"), new("RabbitArq:rabbitmq:heartbeat", "never")]);
        builder.AddRabbitArq(arq =>
        {
            if (withWorker)
            {
                arq.AddWorker(worker => worker.Functions.Add("a", () => 1).Add("a", () => 2));
            }
        });
        using var host = builder.Build();

        var exception = await Should.ThrowAsync<InvalidSettingsException>(host.StartAsync(TestContext.Current.CancellationToken));

        exception.Errors.Count.ShouldBe(withWorker ? 3 : 2);
        exception.Message.ShouldContain("worker.max_retries is 'lots'");
    }

    [Fact]
    public async Task A_host_in_production_must_name_its_broker()
    {
        var builder = Builder("Production");
        builder.AddRabbitArq();
        using var host = builder.Build();

        (await Should.ThrowAsync<InvalidSettingsException>(host.StartAsync(TestContext.Current.CancellationToken))).Message.ShouldContain("RABBITMQ_URL");
    }

    [Fact]
    public void Elsewhere_the_embedded_broker_is_told_once_with_other_warnings()
    {
        var lines = new List<string>();
        var builder = Builder();
        builder.Logging.AddProvider(new ListLoggerProvider(lines));
        builder.Configuration.AddInMemoryCollection([new("RabbitArq:worker:max_retrys", "1"), new("RabbitArq:logging:level", "debug")]);
        builder.AddRabbitArq();
        using var host = builder.Build();

        host.Services.GetRequiredService<IJobClient>();
        host.Services.GetRequiredService<BrokerSource>();

        lines.Count(line => line.StartsWith("1001 ", StringComparison.Ordinal)).ShouldBe(1);
        lines.Count(line => line.StartsWith("1009 ", StringComparison.Ordinal)).ShouldBe(2);
        lines.ShouldContain(line => line.Contains("Did you mean worker.max_retries?", StringComparison.Ordinal));
        lines.ShouldContain(line => line.Contains("logging.level", StringComparison.Ordinal));
    }

    /// <summary>A host without the sources of the process, so that nothing from outside reaches in.</summary>
    private static HostApplicationBuilder Builder(string environment = "Development") =>
        Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = environment });

    private sealed class ListLoggerProvider(List<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Add($"{eventId.Id} {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }
}
