using RabbitArq.Conformance.Workers;
using RabbitArq.Routing;

namespace RabbitArq.RabbitMQ.Tests;

public sealed class Worker_on_quorum_queues_of_RabbitMQ_310() : WorkerConformance(new RabbitMqWorkerFixture(TestServer.V310, QueueType.Quorum));

public sealed class Worker_on_quorum_queues_of_RabbitMQ_43() : WorkerConformance(new RabbitMqWorkerFixture(TestServer.V43, QueueType.Quorum));

public sealed class Worker_on_classic_queues_of_RabbitMQ_43() : WorkerConformance(new RabbitMqWorkerFixture(TestServer.V43, QueueType.Classic));

public sealed class Worker_at_length_on_RabbitMQ_310() : WorkerEndurance(new RabbitMqWorkerFixture(TestServer.V310, QueueType.Quorum));

public sealed class Worker_at_length_on_RabbitMQ_43() : WorkerEndurance(new RabbitMqWorkerFixture(TestServer.V43, QueueType.Quorum));

public sealed class RabbitMqWorkerFixture(TestServer server, QueueType queueType) : WorkerFixture(queueType)
{
    public override string Url => server.Url;

    public override string? Password => server.Password;
}
