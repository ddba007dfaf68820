using System.Diagnostics;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>
/// A RabbitMQ server that the environment names. A missing one is a failure, because a suite that does not run must not
/// look like one that passes, unless <c>RABBITARQ_TEST_SKIP_RABBITMQ</c> says why there is none.
/// </summary>
/// <param name="name">As in the variables' names: <c>310</c>, <c>43</c>.</param>
public sealed class TestServer(string name)
{
    public static TestServer V310 { get; } = new("310");

    public static TestServer V43 { get; } = new("43");

    public string Name { get; } = name;

    public string Url
    {
        get
        {
            if (Variable("RABBITARQ_TEST_AMQP_" + Name) is { } url)
            {
                return url;
            }

            if (Variable("RABBITARQ_TEST_AMQP_URL") is { } foreign)
            {
                Assert.SkipWhen(Name != "43", "One foreign server is given (RABBITARQ_TEST_AMQP_URL); it runs the tests of one version only.");
                return foreign;
            }

            Assert.SkipWhen(Variable("RABBITARQ_TEST_SKIP_RABBITMQ") is not null, "No RabbitMQ: " + Variable("RABBITARQ_TEST_SKIP_RABBITMQ"));
            throw new InvalidOperationException(
                $"No RabbitMQ {Name} to test with. Start it with eng/servers.sh, or set RABBITARQ_TEST_AMQP_{Name} or RABBITARQ_TEST_AMQP_URL, "
                + "or say in RABBITARQ_TEST_SKIP_RABBITMQ why there is none.");
        }
    }

    public string Password => Uri.UnescapeDataString(new Uri(Url).UserInfo.Split(':')[^1]);

    public static TestServer Named(string name) => name == "310" ? V310 : V43;

    public static Task<IBroker> OpenAsync(BrokerOptions options) =>
        new RabbitMqBrokerFactory().OpenAsync(options, TestContext.Current.CancellationToken);

    /// <summary>Runs rabbitmqctl on the server. A foreign server has none: the test is skipped and says so.</summary>
    public async Task<string> ControlAsync(params string[] arguments)
    {
        var program = Variable("RABBITARQ_TEST_CTL_" + Name);
        Assert.SkipWhen(program is null, $"RABBITARQ_TEST_CTL_{Name} names no rabbitmqctl, which this test needs.");
        var start = new ProcessStartInfo(program!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().Within(TimeSpan.FromMinutes(1));
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"rabbitmqctl {string.Join(' ', arguments)} ended with {process.ExitCode}: {await output}{await error}");
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
