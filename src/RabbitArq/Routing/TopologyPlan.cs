namespace RabbitArq.Routing;

/// <summary>How RabbitMQ keeps a queue. The embedded broker accepts both and treats them alike.</summary>
public enum QueueType
{
    /// <summary>Replicated and durable; the default.</summary>
    Quorum,

    /// <summary>On one node; may be exclusive or auto-delete, and has many priorities on every server version.</summary>
    Classic,
}

/// <summary>How an exchange routes.</summary>
public enum ExchangeType
{
    /// <summary>By equal routing key.</summary>
    Direct,

    /// <summary>By a pattern of words: <c>*</c> is one word, <c>#</c> any number.</summary>
    Topic,

    /// <summary>To every binding.</summary>
    Fanout,

    /// <summary>By headers: the binding's arguments and <c>x-match</c>.</summary>
    Headers,
}

/// <summary>An exchange that must exist.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How it routes.</param>
public sealed record ExchangeSpec(string Name, ExchangeType Type)
{
    /// <summary>Kept over a broker restart. Default: true.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>Deleted with its last binding. Default: false.</summary>
    public bool AutoDelete { get; init; }

    /// <summary>Where messages go that no binding takes. Default: nowhere.</summary>
    public string? AlternateExchange { get; init; }
}

/// <summary>A queue that must exist.</summary>
/// <param name="Name">Its name.</param>
public sealed record QueueSpec(string Name)
{
    /// <summary>Quorum or classic. Default: quorum.</summary>
    public QueueType Type { get; init; } = QueueType.Quorum;

    /// <summary>Kept over a broker restart. Default: true. A quorum queue is always durable.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>Only for this connection, gone with it. Default: false. Classic only.</summary>
    public bool Exclusive { get; init; }

    /// <summary>Deleted with its last consumer. Default: false. Classic only.</summary>
    public bool AutoDelete { get; init; }

    /// <summary>
    /// The highest priority of a classic queue, 1 to 255 (<c>x-max-priority</c>); null: none. Quorum queues take none:
    /// from RabbitMQ 4.0 on they know priorities without it.
    /// </summary>
    public int? MaxPriority { get; init; }

    /// <summary>How many messages may wait; null: no limit.</summary>
    public long? MaxLength { get; init; }

    /// <summary>Whether a full queue refuses publishes (<c>reject-publish</c>) instead of dropping its head. Default: false.</summary>
    public bool RejectPublishWhenFull { get; init; }

    /// <summary>How long messages may wait before they are dead-lettered or dropped; null: for ever.</summary>
    public TimeSpan? MessageTtl { get; init; }

    /// <summary>The exchange that gets dead-lettered messages; empty is the default exchange; null: none.</summary>
    public string? DeadLetterExchange { get; init; }

    /// <summary>The routing key of dead-lettered messages; null: their own.</summary>
    public string? DeadLetterRoutingKey { get; init; }

    /// <summary>
    /// How many deliveries without an ack the broker allows before it dead-letters the message itself
    /// (<c>x-delivery-limit</c>, quorum queues); null: the server's default.
    /// </summary>
    public int? DeliveryLimit { get; init; }
}

/// <summary>A binding of a queue that must exist.</summary>
/// <param name="Exchange">The exchange.</param>
/// <param name="QueueName">The queue.</param>
/// <param name="RoutingKey">The routing key or pattern.</param>
public sealed record BindingSpec(string Exchange, string QueueName, string RoutingKey = "")
{
    /// <summary>Arguments, for <see cref="ExchangeType.Headers"/>.</summary>
    public IReadOnlyDictionary<string, object?> Arguments { get; init; } = Messages.BrokerMessage.NoHeaders;
}

/// <summary>Everything that a configuration needs on the broker. Data: it can be printed and compared.</summary>
public sealed record TopologyPlan
{
    /// <summary>Exchanges, declared first.</summary>
    public IReadOnlyList<ExchangeSpec> Exchanges { get; init; } = [];

    /// <summary>Queues, declared second.</summary>
    public IReadOnlyList<QueueSpec> Queues { get; init; } = [];

    /// <summary>Bindings, declared last.</summary>
    public IReadOnlyList<BindingSpec> Bindings { get; init; } = [];
}
