using RabbitArq.Routing;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>A queue as its row says, with what the current transaction adds to its counts.</summary>
internal sealed class QueueEntry
{
    public required long Id { get; init; }

    public required string Name { get; init; }

    /// <summary>The generation of its waiting messages; see <see cref="Schema"/>.</summary>
    public required long Lane { get; init; }

    public required QueueSpec Spec { get; init; }

    /// <summary>The session of an exclusive queue.</summary>
    public required long? OwnerSession { get; init; }

    public long? TtlMilliseconds { get; init; }

    // What the open transaction changed and has not yet written to queue_count.
    public long ReadyChange { get; set; }

    public long DelayedChange { get; set; }

    public long UnackedChange { get; set; }

    public bool IsCounted { get; set; }
}

/// <summary>An exchange and the bindings that leave it.</summary>
internal sealed class ExchangeEntry
{
    public required string Name { get; init; }

    public required ExchangeType Type { get; init; }

    public required bool Durable { get; init; }

    public required bool AutoDelete { get; init; }

    public required string? Alternate { get; init; }

    public List<BindingEntry> Bindings { get; } = [];
}

/// <summary>A binding of a queue.</summary>
internal sealed record BindingEntry(QueueEntry Queue, string RoutingKey, IReadOnlyDictionary<string, object?> Arguments)
{
    public bool Matches(ExchangeType type, string routingKey, IReadOnlyDictionary<string, object?> headers) => type switch
    {
        ExchangeType.Direct => RoutingKey == routingKey,
        ExchangeType.Topic => TopicPattern.Matches(RoutingKey, routingKey),
        ExchangeType.Fanout => true,
        _ => MatchesHeaders(headers),
    };

    /// <summary>
    /// <c>x-match</c>: <c>all</c> (also when absent) or <c>any</c>; other arguments that begin with <c>x-</c> do not take
    /// part, unless it is <c>all-with-x</c> or <c>any-with-x</c>. A null argument asks only that the header is there.
    /// </summary>
    private bool MatchesHeaders(IReadOnlyDictionary<string, object?> headers)
    {
        var mode = Arguments.TryGetValue("x-match", out var given) ? given as string : "all";
        var any = mode is "any" or "any-with-x";
        var withX = mode is "all-with-x" or "any-with-x";
        foreach (var (name, wanted) in Arguments)
        {
            if (name == "x-match" || (!withX && name.StartsWith("x-", StringComparison.Ordinal)))
            {
                continue;
            }

            var matches = headers.TryGetValue(name, out var actual) && (wanted is null || IsSame(wanted, actual));
            if (matches == any)
            {
                return any;
            }
        }

        return !any;
    }

    private static bool IsSame(object wanted, object? actual) => (wanted, actual) switch
    {
        (byte[] left, byte[] right) => left.AsSpan().SequenceEqual(right),
        (DateTimeOffset left, DateTimeOffset right) => left.ToUnixTimeSeconds() == right.ToUnixTimeSeconds(),
        (long left, int right) => left == right,
        _ => wanted.Equals(actual),
    };
}

/// <summary>
/// Exchanges, queues and bindings as of one topology number of the file. Any process that changes one of them raises the
/// number, and each transaction begins by comparing it, so that routing reads memory and is never stale.
/// </summary>
internal sealed class TopologyCache
{
    private const int RoutesKept = 1024;

    private readonly Dictionary<string, QueueEntry> _queues = new(StringComparer.Ordinal);
    private readonly Dictionary<long, QueueEntry> _queuesById = [];
    private readonly Dictionary<string, ExchangeEntry> _exchanges = new(StringComparer.Ordinal);
    private readonly Dictionary<long, QueueEntry> _queuesByLane = [];
    private readonly Dictionary<(string Exchange, string Key), QueueEntry[]> _routes = [];

    public IReadOnlyCollection<QueueEntry> Queues => _queuesById.Values;

    public IReadOnlyCollection<ExchangeEntry> Exchanges => _exchanges.Values;

    public QueueEntry? FindQueue(string name) => _queues.GetValueOrDefault(name);

    public QueueEntry? FindQueue(long id) => _queuesById.GetValueOrDefault(id);

    public QueueEntry? FindLane(long lane) => _queuesByLane.GetValueOrDefault(lane);

    public ExchangeEntry? FindExchange(string name) => _exchanges.GetValueOrDefault(name);

    /// <summary>The queues that take a message; empty when none does.</summary>
    /// <param name="exchange">An exchange, or empty for the default exchange.</param>
    /// <param name="routingKey">The key.</param>
    /// <param name="headers">The message's headers.</param>
    /// <param name="exchangeExists">False when there is no such exchange.</param>
    public QueueEntry[] Route(
        string exchange, string routingKey, IReadOnlyDictionary<string, object?> headers, out bool exchangeExists)
    {
        exchangeExists = true;
        if (_routes.TryGetValue((exchange, routingKey), out var known))
        {
            return known;
        }

        var found = new HashSet<QueueEntry>();
        var usesHeaders = false;
        if (exchange.Length == 0)
        {
            AddIfAny(found, FindQueue(routingKey));
        }
        else
        {
            exchangeExists = _exchanges.ContainsKey(exchange);
            usesHeaders = Collect(exchange, routingKey, headers, found);
        }

        QueueEntry[] route = [.. found];
        if (!usesHeaders && exchangeExists)
        {
            if (_routes.Count >= RoutesKept)
            {
                _routes.Clear();
            }

            _routes[(exchange, routingKey)] = route;
        }

        return route;
    }

    /// <summary>Walks from an exchange to its alternate for as long as no binding takes the message.</summary>
    /// <returns>Whether headers had a say, so that the route is not one of the key alone.</returns>
    private bool Collect(string exchange, string routingKey, IReadOnlyDictionary<string, object?> headers, HashSet<QueueEntry> found)
    {
        var usesHeaders = false;
        var visited = new HashSet<string>(StringComparer.Ordinal);
        for (string? name = exchange; name is not null && found.Count == 0 && visited.Add(name);)
        {
            if (name.Length == 0)
            {
                AddIfAny(found, FindQueue(routingKey));
                break;
            }

            if (!_exchanges.TryGetValue(name, out var entry))
            {
                break;
            }

            usesHeaders |= entry.Type == ExchangeType.Headers;
            foreach (var binding in entry.Bindings)
            {
                if (binding.Matches(entry.Type, routingKey, headers))
                {
                    found.Add(binding.Queue);
                }
            }

            name = entry.Alternate;
        }

        return usesHeaders;
    }

    private static void AddIfAny(HashSet<QueueEntry> found, QueueEntry? queue)
    {
        if (queue is not null)
        {
            found.Add(queue);
        }
    }

    /// <summary>Reads everything anew. Counts that were not yet written must have been.</summary>
    public void Load(SqliteDatabase database)
    {
        _queues.Clear();
        _queuesById.Clear();
        _queuesByLane.Clear();
        _exchanges.Clear();
        _routes.Clear();
        LoadQueues(database);
        LoadExchanges(database);
        LoadBindings(database);
    }

    private void LoadQueues(SqliteDatabase database)
    {
        using var rows = database.PrepareOnce("""
            SELECT id, name, lane, type, durable, auto_delete, owner_session, max_priority, max_length,
                   reject_when_full, message_ttl, dead_letter_exchange, dead_letter_key, delivery_limit
            FROM queue
            """);
        while (rows.Step())
        {
            var queue = new QueueEntry
            {
                Id = rows.Int64(0),
                Name = rows.Text(1),
                Lane = rows.Int64(2),
                OwnerSession = rows.NullableInt64(6),
                TtlMilliseconds = rows.NullableInt64(10),
                Spec = new QueueSpec(rows.Text(1))
                {
                    Type = (QueueType)rows.Int64(3),
                    Durable = rows.Int64(4) != 0,
                    AutoDelete = rows.Int64(5) != 0,
                    Exclusive = !rows.IsNull(6),
                    MaxPriority = (int?)rows.NullableInt64(7),
                    MaxLength = rows.NullableInt64(8),
                    RejectPublishWhenFull = rows.Int64(9) != 0,
                    MessageTtl = rows.NullableInt64(10) is { } ttl ? TimeSpan.FromMilliseconds(ttl) : null,
                    DeadLetterExchange = rows.NullableText(11),
                    DeadLetterRoutingKey = rows.NullableText(12),
                    DeliveryLimit = (int?)rows.NullableInt64(13),
                },
            };
            _queues.Add(queue.Name, queue);
            _queuesById.Add(queue.Id, queue);
            _queuesByLane.Add(queue.Lane, queue);
        }
    }

    private void LoadExchanges(SqliteDatabase database)
    {
        using var rows = database.PrepareOnce("SELECT name, type, durable, auto_delete, alternate FROM exchange");
        while (rows.Step())
        {
            _exchanges.Add(rows.Text(0), new ExchangeEntry
            {
                Name = rows.Text(0),
                Type = (ExchangeType)rows.Int64(1),
                Durable = rows.Int64(2) != 0,
                AutoDelete = rows.Int64(3) != 0,
                Alternate = rows.NullableText(4),
            });
        }
    }

    private void LoadBindings(SqliteDatabase database)
    {
        using var rows = database.PrepareOnce("SELECT exchange, queue_id, routing_key, arguments FROM binding ORDER BY id");
        while (rows.Step())
        {
            if (_exchanges.TryGetValue(rows.Text(0), out var exchange) && _queuesById.TryGetValue(rows.Int64(1), out var queue))
            {
                exchange.Bindings.Add(new BindingEntry(queue, rows.Text(2), MessageCodec.DecodeTable(rows.Bytes(3))));
            }
        }
    }
}
