using RabbitArq.Conformance.Brokers;
using RabbitArq.Routing;

namespace RabbitArq.Sqlite.Tests;

public sealed class BrokerInMemory() : BrokerConformance(new MemoryFixture(QueueType.Quorum));

public sealed class BrokerOnAFile() : BrokerConformance(new FileFixture(QueueType.Quorum));

public sealed class BrokerOnAFileWithClassicQueues() : BrokerConformance(new FileFixture(QueueType.Classic));

public sealed class BrokerOnAFileWithTwoNodes() : BrokerConformance(new TwoNodesFixture(QueueType.Quorum));

public sealed class BrokerOnAFileWithTwoProcesses() : BrokerConformance(new TwoProcessesFixture(QueueType.Quorum));
