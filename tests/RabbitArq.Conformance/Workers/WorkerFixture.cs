using System.Collections.Concurrent;
using RabbitArq.Brokers;
using RabbitArq.Routing;

namespace RabbitArq.Conformance.Workers;

/// <summary>
/// What a test of client and worker needs of one broker: a URL, unique queue names, and leaving the broker as it was. One
/// instance per test.
/// </summary>
/// <param name="queueType">The queue type under test.</param>
public abstract class WorkerFixture(QueueType queueType) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, byte> _queues = new();
    private readonly string _prefix = "worker." + Guid.NewGuid().ToString("N")[..12] + ".";
    private IBroker? _broker;

    /// <summary>The broker's URL.</summary>
    public abstract string Url { get; }

    /// <summary>A password that no text may show; null where there is none.</summary>
    public virtual string? Password => null;

    /// <summary>The queue type under test.</summary>
    public QueueType QueueType { get; } = queueType;

    /// <summary>A broker of the test itself, open from its start to its end.</summary>
    public IBroker Broker => _broker ?? throw new InvalidOperationException("Used before the test began.");

    /// <summary>Opens the broker.</summary>
    /// <returns>Its end.</returns>
    public async Task OpenAsync() => _broker = await RabbitArq.Brokers.Broker.OpenAsync(Url).Within();

    /// <summary>A queue name that no other test has. The queue and its dead-letter queue are deleted with the fixture.</summary>
    /// <param name="what">Its part in the test.</param>
    /// <returns>The name.</returns>
    public string QueueName(string what = "jobs")
    {
        var name = _prefix + what;
        _queues[name] = 0;
        _queues[name + ".dlq"] = 0;
        return name;
    }

    /// <summary>Deletes every queue named here and closes the broker.</summary>
    /// <returns>Its end.</returns>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        try
        {
            if (_broker is { } broker)
            {
                await Task.WhenAll(_queues.Keys.Select(name => broker.Topology.DeleteQueueAsync(name))).Within(what: "cleaning up");
                await broker.DisposeAsync().Within(what: "disposing the broker");
            }
        }
        finally
        {
            await DisposeCoreAsync();
        }
    }

    /// <summary>Removes the store itself, where it belongs to the test. Default: nothing.</summary>
    /// <returns>Its end.</returns>
    protected virtual ValueTask DisposeCoreAsync() => ValueTask.CompletedTask;
}
