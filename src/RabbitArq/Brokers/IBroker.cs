using RabbitArq.Routing;

namespace RabbitArq.Brokers;

/// <summary>An open broker: RabbitMQ, or the embedded one. Made by an <see cref="IBrokerFactory"/> from a URL.</summary>
public interface IBroker : IAsyncDisposable
{
    /// <summary>What this broker can and cannot do.</summary>
    BrokerCapabilities Capabilities { get; }

    /// <summary>Sends messages.</summary>
    IBrokerPublisher Publisher { get; }

    /// <summary>Declares and deletes queues, exchanges and bindings.</summary>
    IBrokerTopology Topology { get; }

    /// <summary>Looks at queues and empties them.</summary>
    IBrokerInspector Inspector { get; }

    /// <summary>Starts consuming one queue.</summary>
    /// <param name="spec">The queue and how to consume it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The running consumer.</returns>
    /// <exception cref="QueueNotFoundException">The queue does not exist.</exception>
    /// <exception cref="BrokerException">The broker refused or could not be reached.</exception>
    Task<IBrokerConsumer> ConsumeAsync(ConsumerSpec spec, CancellationToken cancellationToken = default);
}

/// <summary>Opens brokers for some URL schemes. Thread-safe, stateless.</summary>
public interface IBrokerFactory
{
    /// <summary>The URL schemes it opens, lower case, without the colon: <c>amqp</c>, <c>sqlite</c>.</summary>
    IReadOnlyCollection<string> Schemes { get; }

    /// <summary>Opens a broker and proves that it can be reached.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The broker, connected.</returns>
    /// <exception cref="BrokerException">It could not be reached, or refused; the type and message say why and what to do.</exception>
    Task<IBroker> OpenAsync(BrokerOptions options, CancellationToken cancellationToken = default);
}

/// <summary>Sends messages. Thread-safe: concurrent calls share one window of outstanding confirms.</summary>
public interface IBrokerPublisher
{
    /// <summary>
    /// Publishes one message. The task ends when the broker has taken responsibility for it (publisher confirm, or the
    /// committed transaction of the embedded broker), so starting many calls and then awaiting them pipelines them.
    /// </summary>
    /// <param name="request">The message and where it goes.</param>
    /// <param name="cancellationToken">Gives up waiting; the broker may then have taken the message or not.</param>
    /// <returns>A task that ends when the broker has taken the message.</returns>
    /// <exception cref="UnroutableException">No queue took it.</exception>
    /// <exception cref="PublishRefusedException">The broker or a full queue refused it.</exception>
    /// <exception cref="BrokerBlockedException">The broker blocks publishers (memory or disk alarm).</exception>
    /// <exception cref="MessageTooLargeException">The body is above the broker's limit.</exception>
    /// <exception cref="PublishUnconfirmedException">The connection was lost or the time was up before the answer.</exception>
    ValueTask PublishAsync(PublishRequest request, CancellationToken cancellationToken = default);
}

/// <summary>Declares and deletes. What is applied is remembered and applied again on each fresh connection.</summary>
public interface IBrokerTopology
{
    /// <summary>
    /// Makes the broker have everything in the plan. An object that exists is adopted as it is, with a warning where its
    /// arguments differ; it is never an error and never changed.
    /// </summary>
    /// <param name="plan">What must exist.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A task that ends when all of it exists.</returns>
    Task ApplyAsync(TopologyPlan plan, CancellationToken cancellationToken = default);

    /// <summary>Deletes a queue and what is in it; nothing happens when it does not exist.</summary>
    /// <param name="queueName">The queue.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A task that ends when it is gone.</returns>
    Task DeleteQueueAsync(string queueName, CancellationToken cancellationToken = default);

    /// <summary>Deletes an exchange; nothing happens when it does not exist.</summary>
    /// <param name="exchangeName">The exchange.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A task that ends when it is gone.</returns>
    Task DeleteExchangeAsync(string exchangeName, CancellationToken cancellationToken = default);
}

/// <summary>Looks at queues and empties them.</summary>
public interface IBrokerInspector
{
    /// <summary>What the broker tells about itself.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Product and version.</returns>
    Task<BrokerInfo> GetBrokerAsync(CancellationToken cancellationToken = default);

    /// <summary>Looks at a queue without creating it.</summary>
    /// <param name="queueName">The queue.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The queue, or null when it does not exist.</returns>
    Task<QueueInfo?> FindQueueAsync(string queueName, CancellationToken cancellationToken = default);

    /// <summary>Deletes the messages that wait in a queue; those already handed to a consumer stay.</summary>
    /// <param name="queueName">The queue.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="QueueNotFoundException">The queue does not exist.</exception>
    Task<long> PurgeAsync(string queueName, CancellationToken cancellationToken = default);
}
