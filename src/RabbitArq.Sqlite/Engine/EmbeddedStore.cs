using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Sqlite.Localization;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// One database, as this process has it open. Everything goes through one thread with one connection: what many callers
/// ask for at the same time becomes one transaction, and nothing in here needs a lock.
/// </summary>
internal sealed class EmbeddedStore
{
    /// <summary>The largest body, the default of RabbitMQ 4.</summary>
    public const long MaxBodyBytes = 16 * 1024 * 1024;

    private readonly TimeSpan _answerTimeout;
    private readonly StoreLoop _loop;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EmbeddedStore(StoreLocation location, BrokerOptions options)
    {
        Location = location;
        Clock = options.TimeProvider;
        Logger = options.LoggerFactory.CreateLogger("RabbitArq.Sqlite");
        _answerTimeout = options.ConnectionTimeout;
        Queue = new StoreQueue(Clock, location.Display);
        Consumers = new ConsumerSet(location.Display);
        _loop = new StoreLoop(this, options.ConnectionTimeout, _opened);
    }

    public StoreLocation Location { get; }

    public TimeProvider Clock { get; }

    public ILogger Logger { get; }

    public StoreQueue Queue { get; }

    /// <summary>Whether the last transaction succeeded.</summary>
    public bool IsHealthy => _loop.IsHealthy;

    // The rest is for the store's thread alone.
    public ConsumerSet Consumers { get; }

    public StoreTransaction Transaction { get; private set; } = null!;

    public MessageTables Messages { get; private set; } = null!;

    public TopologyTables Topology { get; private set; } = null!;

    public NodeTables Nodes { get; private set; } = null!;

    public ResultTables Results { get; private set; } = null!;

    /// <summary>This process's row; 0 before it has signed in.</summary>
    public long NodeId { get; set; }

    /// <summary>The sessions of this process, by id, with their names.</summary>
    public Dictionary<long, string> Sessions { get; } = [];

    /// <summary>Starts the thread and opens the database on it.</summary>
    public Task OpenAsync()
    {
        _loop.Start();
        return _opened.Task;
    }

    /// <summary>Ends the thread when everything posted so far is done, and closes the database.</summary>
    public Task CloseAsync() => _loop.StopAsync();

    /// <summary>Asks the store's thread something and waits for the commit.</summary>
    /// <param name="execute">What to do, inside a transaction.</param>
    /// <param name="reading">Whether it writes nothing.</param>
    /// <param name="certain">Whether it is done even when the caller has given up.</param>
    /// <param name="committed">What to do after the commit, on the store's thread, before the caller hears of it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<T> AskAsync<T>(
        Func<EmbeddedStore, T> execute,
        bool reading = false,
        bool certain = false,
        Action<T>? committed = null,
        CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var request = new StoreRequest<T>(execute, Location.Display)
        {
            IsReading = reading,
            IsCertain = certain,
            Committed = committed,
            Deadline = Deadline(_answerTimeout),
        };
        using var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((StoreRequest<T>)state!).Cancel(token), request);
        Queue.Post(request);
        return await request.Answer.ConfigureAwait(false);
    }

    public long Deadline(TimeSpan timeout) =>
        timeout < TimeSpan.Zero ? long.MaxValue : Clock.GetTimestamp() + (long)(timeout.TotalSeconds * Clock.TimestampFrequency);

    /// <summary>Milliseconds that have passed since some moment: unlike the clock on the wall they are never set back.</summary>
    public long Elapsed() => StoreQueue.Elapsed(Clock);

    public long NowMilliseconds() => Clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>On the store's thread: prepares the statements of a fresh connection.</summary>
    public void Attach(SqliteDatabase database)
    {
        Transaction = new StoreTransaction(database);
        Messages = new MessageTables(database, Transaction) { Park = id => Topology.Park(id) };
        Topology = new TopologyTables(database, Transaction, Location.Display, Logger);
        Nodes = new NodeTables(database, Transaction, Messages, Topology, Location.Display);
        Results = new ResultTables(database);
    }

    /// <summary>On the store's thread, inside a transaction: routes and stores one message.</summary>
    public void Publish(PublishRequest request, ReadOnlySpan<byte> properties)
    {
        var message = request.Message;
        var queues = Transaction.Topology.Route(request.Exchange, request.RoutingKey, message.Headers, out var exchangeExists);
        if (!exchangeExists)
        {
            throw new UnroutableException(request, Texts.ExchangeMissing(request.Exchange, Location.Display));
        }

        if (queues.Length == 0 && request.Mandatory)
        {
            throw new UnroutableException(
                request,
                request.Exchange.Length == 0
                    ? Texts.QueueMissing(request.RoutingKey, Location.Display)
                    : Texts.Unroutable(request.Exchange, request.RoutingKey, Location.Display));
        }

        foreach (var queue in queues)
        {
            if (queue.Spec is { RejectPublishWhenFull: true, MaxLength: { } limit } && Transaction.Counts(queue).Ready >= limit)
            {
                throw new PublishRefusedException(request, Texts.QueueFull(queue.Name, limit));
            }
        }

        foreach (var queue in queues)
        {
            // Rounded up: nothing is early, not by a fraction of a millisecond.
            long? due = (request.DueAt - DateTimeOffset.UnixEpoch)?.Ticks is { } ticks
                ? (ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond
                : null;
            Messages.Add(queue, properties, message.Body.Span, message.Priority ?? 0, (long?)message.Expiration?.TotalMilliseconds, due);
        }
    }
}
