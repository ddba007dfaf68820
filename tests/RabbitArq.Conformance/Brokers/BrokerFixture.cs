using System.Collections.Concurrent;
using RabbitArq.Brokers;
using RabbitArq.Conformance.Processes;
using RabbitArq.Routing;

namespace RabbitArq.Conformance.Brokers;

/// <summary>
/// What a test of the broker port needs of one implementation: opening brokers on one shared store, unique names, and
/// leaving the store as it was. One instance per test. Implementations give <see cref="OpenCoreAsync"/>, and what
/// else differs.
/// </summary>
/// <param name="queueType">The queue type under test.</param>
public abstract class BrokerFixture(QueueType queueType) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<IBroker, byte> _open = new();
    private readonly ConcurrentDictionary<string, byte> _queues = new();
    private readonly ConcurrentDictionary<string, byte> _exchanges = new();
    private readonly string _prefix = "conformance." + Guid.NewGuid().ToString("N")[..12] + ".";
    private bool _shared = true;

    /// <summary>The queue type under test.</summary>
    public QueueType QueueType { get; } = queueType;

    /// <summary>A password that no text may show; null where there is none.</summary>
    public virtual string? Password => null;

    /// <summary>Opens a broker on the test's store. It is disposed with the fixture, or earlier by <see cref="CloseAsync"/>.</summary>
    /// <returns>The broker.</returns>
    public async Task<IBroker> OpenAsync()
    {
        var broker = await OpenCoreAsync().Within();
        _open[broker] = 0;
        _shared &= broker.Capabilities.SharedBetweenProcesses;
        return broker;
    }

    /// <summary>
    /// Opens a second broker on the store that <paramref name="first"/> is on: another connection, another instance on the
    /// same file, or another process. Where brokers share nothing (declared by
    /// <see cref="BrokerCapabilities.SharedBetweenProcesses"/>) it is <paramref name="first"/> itself.
    /// </summary>
    /// <param name="first">The first broker.</param>
    /// <returns>The second broker.</returns>
    public async Task<IBroker> OpenOtherAsync(IBroker first)
    {
        ArgumentNullException.ThrowIfNull(first);
        if (!first.Capabilities.SharedBetweenProcesses)
        {
            return first;
        }

        var broker = await OpenOtherCoreAsync().Within();
        _open[broker] = 0;
        return broker;
    }

    /// <summary>Opens a broker on the test's store in a process of its own, which can be killed.</summary>
    /// <returns>The broker; null where brokers share nothing, or the fixture starts no processes.</returns>
    public async Task<BrokerProcess?> StartProcessAsync()
    {
        if (!_shared || StartProcessCoreAsync() is not { } starting)
        {
            return null;
        }

        var broker = await starting.Within();
        _open[broker] = 0;
        return broker;
    }

    /// <summary>Disposes a broker now.</summary>
    /// <param name="broker">A broker that this fixture opened.</param>
    /// <returns>Its end.</returns>
    public async Task CloseAsync(IBroker broker)
    {
        ArgumentNullException.ThrowIfNull(broker);
        _open.TryRemove(broker, out _);
        await broker.DisposeAsync().Within(what: "disposing the broker");
    }

    /// <summary>A queue name that no other test has. The queue is deleted with the fixture.</summary>
    /// <param name="what">Its part in the test.</param>
    /// <returns>The name.</returns>
    public string QueueName(string what = "queue")
    {
        var name = _prefix + what;
        _queues[name] = 0;
        return name;
    }

    /// <summary>An exchange name that no other test has. The exchange is deleted with the fixture.</summary>
    /// <param name="what">Its part in the test.</param>
    /// <returns>The name.</returns>
    public string ExchangeName(string what = "exchange")
    {
        var name = _prefix + what;
        _exchanges[name] = 0;
        return name;
    }

    /// <summary>
    /// Disposes every broker and deletes every queue and exchange named here. Not virtual: an implementation adds its own
    /// part in <see cref="DisposeCoreAsync"/>, which runs last and always. What a broker keeps for all its users (the
    /// delay ladder of RabbitMQ) stays.
    /// </summary>
    /// <returns>Its end.</returns>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        try
        {
            await DeleteAllAsync();
        }
        finally
        {
            try
            {
                await CloseAllAsync();
            }
            finally
            {
                await DisposeCoreAsync();
            }
        }
    }

    /// <summary>Opens a broker on the test's store.</summary>
    /// <returns>The broker.</returns>
    protected abstract Task<IBroker> OpenCoreAsync();

    /// <summary>Opens a second one on the same store. Default: as <see cref="OpenCoreAsync"/>.</summary>
    /// <returns>The broker.</returns>
    protected virtual Task<IBroker> OpenOtherCoreAsync() => OpenCoreAsync();

    /// <summary>Starts a process on the same store. Default: null, there are none.</summary>
    /// <returns>The broker in it.</returns>
    protected virtual Task<BrokerProcess>? StartProcessCoreAsync() => null;

    /// <summary>Removes the store itself, where it belongs to the test. Default: nothing.</summary>
    /// <returns>Its end.</returns>
    protected virtual ValueTask DisposeCoreAsync() => ValueTask.CompletedTask;

    private async Task DeleteAllAsync()
    {
        if ((_queues.IsEmpty && _exchanges.IsEmpty) || !_shared)
        {
            return;
        }

        // A broker of its own: those of the test may be broken, which is what some tests are about. Their consumers
        // go first, or deleting their queues would set off whatever they do about a lost queue.
        await CloseAllAsync();
        var janitor = await OpenCoreAsync().Within();
        _open[janitor] = 0;
        await Task.WhenAll(
            _queues.Keys.Select(name => janitor.Topology.DeleteQueueAsync(name))
                .Concat(_exchanges.Keys.Select(name => janitor.Topology.DeleteExchangeAsync(name)))).Within(what: "cleaning up");
    }

    private Task CloseAllAsync() => Task.WhenAll(_open.Keys.Select(CloseAsync));
}
