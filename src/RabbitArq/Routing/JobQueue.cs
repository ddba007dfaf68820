namespace RabbitArq.Routing;

/// <summary>A queue of jobs with its dead-letter queue, as clients and workers declare them.</summary>
/// <param name="Name">The queue.</param>
public sealed record JobQueue(string Name)
{
    /// <summary>The queue of workers and clients that name none, as rabbitmq-arq has it.</summary>
    public const string DefaultName = "arq:queue";

    /// <summary>
    /// How often the broker hands a message out before it dead-letters it itself: RabbitMQ 4's own default, made explicit
    /// so that the message goes to the dead-letter queue and not away.
    /// </summary>
    public const int DefaultDeliveryLimit = 20;

    /// <summary>Where dead jobs go. Default: the queue's name and <c>.dlq</c>, as rabbitmq-arq 0.2 has it.</summary>
    public string DeadLetterQueueName { get; init; } = Name + ".dlq";

    /// <summary>Quorum or classic. Default: quorum.</summary>
    public QueueType Type { get; init; } = QueueType.Quorum;

    /// <summary>Kept over a broker restart. Default: true.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>Only for one connection. Default: false.</summary>
    public bool Exclusive { get; init; }

    /// <summary>Goes with its last consumer. Default: false.</summary>
    public bool AutoDelete { get; init; }

    /// <summary>The highest priority of a classic queue; null: none.</summary>
    public int? MaxPriority { get; init; }

    /// <summary>What must exist on the broker for this queue.</summary>
    /// <returns>The job queue and its dead-letter queue.</returns>
    public TopologyPlan ToPlan() => new()
    {
        Queues =
        [
            new QueueSpec(DeadLetterQueueName) { Type = Durable ? Type : QueueType.Classic, Durable = true },
            new QueueSpec(Name)
            {
                Type = Type,
                Durable = Durable,
                Exclusive = Exclusive,
                AutoDelete = AutoDelete,
                MaxPriority = Type == QueueType.Classic ? MaxPriority : null,
                DeadLetterExchange = "",
                DeadLetterRoutingKey = DeadLetterQueueName,
                DeliveryLimit = Type == QueueType.Quorum ? DefaultDeliveryLimit : null,
            },
        ],
    };
}
