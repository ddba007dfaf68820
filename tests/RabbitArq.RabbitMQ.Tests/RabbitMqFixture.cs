using RabbitArq.Brokers;
using RabbitArq.Conformance.Brokers;
using RabbitArq.Conformance.Processes;
using RabbitArq.Routing;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>Opens RabbitMQ for the suites of the broker port.</summary>
/// <param name="server">The server.</param>
/// <param name="queueType">The queue type under test.</param>
/// <param name="otherIsAProcess">Whether the second broker of a test is another process, which can be killed.</param>
public sealed class RabbitMqFixture(TestServer server, QueueType queueType, bool otherIsAProcess = false) : BrokerFixture(queueType)
{
    public override string? Password => server.Password;

    public override bool KeepsZeroAndEmpty => false;

    public override bool CountsCancelledConsumers => QueueType == QueueType.Quorum;

    public override bool DeadLettersStartAnew => server == TestServer.V310;

    protected override Task<IBroker> OpenCoreAsync() =>
        TestServer.OpenAsync(new BrokerOptions { Url = server.Url, ClientName = "conformance" });

    protected override async Task<IBroker> OpenOtherCoreAsync() => otherIsAProcess
        ? await BrokerProcess.StartAsync<RabbitMqBrokerFactory>(server.Url)
        : await OpenCoreAsync();
}
