using System.Collections.Frozen;

namespace RabbitArq.Messages;

/// <summary>A message as a broker carries it: a body of bytes and the AMQP 0-9-1 basic properties, free of any client type.</summary>
/// <remarks>
/// Values of <see cref="Headers"/> are <see langword="string"/>, <see langword="bool"/>, <see langword="long"/>,
/// <see langword="double"/>, <see langword="byte"/>[], <see cref="DateTimeOffset"/>, lists
/// (<see cref="IReadOnlyList{T}"/> of <see langword="object"/>) and tables
/// (<see cref="IReadOnlyDictionary{TKey,TValue}"/>) of these, or <see langword="null"/>. Every broker hands
/// them back so, but an empty list or table may come back as <see langword="null"/>, and a priority of 0 as none: the
/// official client of RabbitMQ cannot tell them apart.
/// </remarks>
public sealed record BrokerMessage
{
    /// <summary>No headers.</summary>
    public static IReadOnlyDictionary<string, object?> NoHeaders { get; } = FrozenDictionary<string, object?>.Empty;

    /// <summary>The body. Its memory belongs to the message.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>AMQP <c>message-id</c>: the job id for jobs. A publish that is tried again keeps it.</summary>
    public string? MessageId { get; init; }

    /// <summary>AMQP <c>type</c>: the function name for jobs.</summary>
    public string? Type { get; init; }

    /// <summary>AMQP <c>content-type</c>, for example <c>application/json</c>.</summary>
    public string? ContentType { get; init; }

    /// <summary>AMQP <c>content-encoding</c>, for example <c>utf-8</c>.</summary>
    public string? ContentEncoding { get; init; }

    /// <summary>AMQP <c>correlation-id</c>.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>AMQP <c>reply-to</c>.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>AMQP <c>app-id</c>.</summary>
    public string? AppId { get; init; }

    /// <summary>AMQP <c>priority</c>, 0 to 255, higher first.</summary>
    public byte? Priority { get; init; }

    /// <summary>AMQP <c>timestamp</c>, whole seconds.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    /// <summary>AMQP <c>expiration</c>: how long the message may wait in a queue before the broker dead-letters or drops it.</summary>
    public TimeSpan? Expiration { get; init; }

    /// <summary>Whether the message is kept over a restart of the broker (AMQP <c>delivery-mode</c> 2). Default: true.</summary>
    public bool Persistent { get; init; } = true;

    /// <summary>AMQP <c>headers</c>.</summary>
    public IReadOnlyDictionary<string, object?> Headers { get; init; } = NoHeaders;
}
