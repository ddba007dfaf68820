using RabbitArq.Brokers;
using RabbitArq.Conformance.Brokers;
using RabbitArq.Conformance.Processes;
using RabbitArq.Routing;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>Opens RabbitMQ for the suites of the broker port.</summary>
/// <param name="server">The server.</param>
/// <param name="queueType">The queue type under test.</param>
public sealed class RabbitMqFixture(TestServer server, QueueType queueType) : BrokerFixture(queueType)
{
    public override string? Password => server.Password;

    protected override Task<IBroker> OpenCoreAsync() =>
        TestServer.OpenAsync(new BrokerOptions { Url = server.Url, ClientName = "conformance" });

    protected override Task<BrokerProcess> StartProcessCoreAsync() => BrokerProcess.StartAsync<RabbitMqBrokerFactory>(server.Url);
}
