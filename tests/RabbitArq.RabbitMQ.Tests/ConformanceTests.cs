using RabbitArq.Conformance.Brokers;
using RabbitArq.Routing;

namespace RabbitArq.RabbitMQ.Tests;

public sealed class Quorum_queues_of_RabbitMQ_310() : BrokerConformance(new RabbitMqFixture(TestServer.V310, QueueType.Quorum));

public sealed class Classic_queues_of_RabbitMQ_310() : BrokerConformance(new RabbitMqFixture(TestServer.V310, QueueType.Classic));

public sealed class Quorum_queues_of_RabbitMQ_43() : BrokerConformance(new RabbitMqFixture(TestServer.V43, QueueType.Quorum));

public sealed class Classic_queues_of_RabbitMQ_43() : BrokerConformance(new RabbitMqFixture(TestServer.V43, QueueType.Classic));
