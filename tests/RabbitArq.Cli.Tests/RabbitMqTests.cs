using Shouldly;
using Xunit;

namespace RabbitArq.Cli.Tests;

/// <summary>
/// The tool on a real RabbitMQ, which the environment names; without one these fail, unless
/// <c>RABBITARQ_TEST_SKIP_RABBITMQ</c> says why there is none.
/// </summary>
public sealed class RabbitMqTests(BuiltTargets built) : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task Changing_one_url_takes_a_job_through_rabbitmq()
    {
        var queue = "cli-" + Guid.NewGuid().ToString("N");
        _tool.With("RABBITMQ_URL", Url()).With("ARQ_QUEUE_NAME", queue);
        try
        {
            (await _tool.RunAsync("enqueue", "add", "2", "3")).ShouldExitWith(0);
            (await _tool.RunAsync("enqueue", "boom", "x")).ShouldExitWith(0);
            (await _tool.RunAsync("queue-info", "--json")).ShouldExitWith(0).Json["queues"]![0]!["ready"]!.GetValue<int>().ShouldBe(2);

            var run = (await _tool.RunAsync("worker", "-m", built.SourceFile, "-b", "--json")).ShouldExitWith(0);
            run.Json["completed"]!.GetValue<int>().ShouldBe(1);
            run.Json["failed"]!.GetValue<int>().ShouldBe(1);

            (await _tool.RunAsync("purge-queue", queue + ".dlq", "--yes", "--json")).ShouldExitWith(0).Json["purged"]!.GetValue<int>().ShouldBe(1);
        }
        finally
        {
            await DeleteAsync(queue, queue + ".dlq");
        }
    }

    [Fact]
    public async Task A_wrong_password_is_told()
    {
        var run = await _tool.RunAsync("queue-info", "-u", new UriBuilder(Url()) { Password = Tool.Secret }.Uri.ToString());

        run.ShouldExitWith(1).Error.ShouldContain("refused user");
    }

    [Fact]
    public async Task A_missing_virtual_host_is_told()
    {
        var run = await _tool.RunAsync("queue-info", "-u", new UriBuilder(Url()) { Path = "/nosuchvhost" }.Uri.ToString());

        run.ShouldExitWith(1).Error.ShouldContain("'nosuchvhost'");
    }

    private static string Url()
    {
        if ((Variable("RABBITARQ_TEST_AMQP_43") ?? Variable("RABBITARQ_TEST_AMQP_URL")) is { } url)
        {
            return url;
        }

        Assert.SkipWhen(Variable("RABBITARQ_TEST_SKIP_RABBITMQ") is not null, "No RabbitMQ: " + Variable("RABBITARQ_TEST_SKIP_RABBITMQ"));
        throw new InvalidOperationException("No RabbitMQ to test with. Start it with eng/servers.sh, or say in RABBITARQ_TEST_SKIP_RABBITMQ why there is none.");
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static async Task DeleteAsync(params string[] queues)
    {
        var broker = await new RabbitMQ.RabbitMqBrokerFactory().OpenAsync(new Brokers.BrokerOptions { Url = Url() }, TestContext.Current.CancellationToken);
        await using (broker)
        {
            foreach (var queue in queues)
            {
                await broker.Topology.DeleteQueueAsync(queue, TestContext.Current.CancellationToken);
            }
        }
    }
}
