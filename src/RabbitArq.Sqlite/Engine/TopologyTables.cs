using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Routing;
using RabbitArq.Sqlite.Localization;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>Declares and deletes queues, exchanges and bindings, inside the open transaction of the store's own thread.</summary>
internal sealed class TopologyTables(SqliteDatabase database, StoreTransaction transaction, string url, ILogger logger)
{
    private const string ReservedPrefix = "amq.";
    private const string ParkingQueue = "rabbitarq.v1.delay.parked";

    private readonly SqliteStatement _insertExchange = database.Prepare(
        "INSERT INTO exchange(name, type, durable, auto_delete, alternate) VALUES (?1, ?2, ?3, ?4, ?5)");

    private readonly SqliteStatement _insertQueue = database.Prepare("""
        INSERT INTO queue(id, name, lane, type, durable, auto_delete, owner_session, max_priority, max_length, reject_when_full,
                          message_ttl, dead_letter_exchange, dead_letter_key, delivery_limit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
        """);

    private readonly SqliteStatement _insertCounts = database.Prepare("INSERT INTO queue_count VALUES (?1, 0, 0, 0)");

    private readonly SqliteStatement _insertFormer = database.Prepare("INSERT INTO former_queue(name, id) VALUES (?1, ?2)");
    private readonly SqliteStatement _findFormer = database.Prepare("SELECT id FROM former_queue WHERE name = ?1");
    private readonly SqliteStatement _deleteFormer = database.Prepare("DELETE FROM former_queue WHERE id = ?1");

    private readonly SqliteStatement _insertBinding = database.Prepare("""
        INSERT INTO binding(exchange, queue_id, routing_key, arguments) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING
        """);

    /// <summary>Makes everything in a plan exist. All of it, or on a refusal nothing, is written.</summary>
    public void Apply(TopologyPlan plan, long sessionId)
    {
        foreach (var exchange in plan.Exchanges)
        {
            RequireAllowed(exchange);
        }

        foreach (var binding in plan.Bindings)
        {
            Require(plan, binding);
        }

        foreach (var queue in plan.Queues)
        {
            RequireOwner(transaction.Topology.FindQueue(queue.Name), sessionId);
        }

        var changed = false;
        foreach (var exchange in plan.Exchanges)
        {
            changed |= Declare(exchange);
        }

        foreach (var queue in plan.Queues)
        {
            changed |= Declare(queue, sessionId);
        }

        if (changed)
        {
            transaction.TopologyChanged();
        }

        var bound = false;
        foreach (var binding in plan.Bindings)
        {
            bound |= Bind(binding);
        }

        if (bound)
        {
            transaction.TopologyChanged();
        }
    }

    /// <summary>Deletes a queue with all that belongs to it; its waiting messages go in small steps later.</summary>
    public void DeleteQueue(QueueEntry queue)
    {
        database.Execute(FormattableString.Invariant($"""
            INSERT INTO garbage(lane) VALUES ({queue.Lane});
            DELETE FROM message WHERE id IN (SELECT message_id FROM lease WHERE queue_id = {queue.Id});
            DELETE FROM lease WHERE queue_id = {queue.Id};
            DELETE FROM consumer WHERE queue_id = {queue.Id};
            DELETE FROM queue WHERE id = {queue.Id}
            """));
        if (transaction.Counts(queue).Delayed > 0)
        {
            _insertFormer.Bind(1, queue.Name).Bind(2, queue.Id).Execute();
            transaction.Forget(queue);
            database.Execute(FormattableString.Invariant($"UPDATE queue_count SET ready = 0, unacked = 0 WHERE queue_id = {queue.Id}"));
        }
        else
        {
            transaction.Forget(queue);
            database.Execute(FormattableString.Invariant($"DELETE FROM queue_count WHERE queue_id = {queue.Id}"));
        }

        var left = new List<string>();
        foreach (var exchange in transaction.Topology.Exchanges)
        {
            if (exchange.AutoDelete && exchange.Bindings.Count > 0 && exchange.Bindings.TrueForAll(binding => binding.Queue.Id == queue.Id))
            {
                left.Add(exchange.Name);
            }
        }

        database.Execute(FormattableString.Invariant($"DELETE FROM binding WHERE queue_id = {queue.Id}"));
        left.ForEach(DeleteExchangeRow);
        transaction.TopologyChanged();
    }

    /// <summary>
    /// Takes a message that is due and whose queue was deleted off that queue's count, and says where it goes instead: to
    /// the queue of the name that it has on RabbitMQ, where an operator finds it.
    /// </summary>
    public QueueEntry Park(long formerId)
    {
        database.Execute(FormattableString.Invariant($"""
            UPDATE queue_count SET delayed = delayed - 1 WHERE queue_id = {formerId};
            DELETE FROM former_queue WHERE id = {formerId} AND (SELECT delayed FROM queue_count WHERE queue_id = {formerId}) <= 0;
            DELETE FROM queue_count WHERE queue_id = {formerId} AND delayed <= 0
            """));
        if (transaction.Topology.FindQueue(ParkingQueue) is null)
        {
            Declare(new QueueSpec(ParkingQueue), sessionId: 0);
            transaction.TopologyChanged();
        }

        StoreLog.Parked(logger, url, ParkingQueue);
        return transaction.Topology.FindQueue(ParkingQueue)!;
    }

    public void DeleteExchange(string name)
    {
        if (name.Length == 0 || name.StartsWith(ReservedPrefix, StringComparison.Ordinal))
        {
            throw new BrokerAccessException(Texts.ExchangeReserved(name));
        }

        if (transaction.Topology.FindExchange(name) is not null)
        {
            DeleteExchangeRow(name);
            transaction.TopologyChanged();
        }
    }

    /// <summary>Takes all waiting messages out of a queue at once; their rows go in small steps later.</summary>
    /// <returns>How many there were.</returns>
    public long Purge(QueueEntry queue)
    {
        var ready = transaction.Counts(queue).Ready;
        if (ready > 0)
        {
            transaction.Count(queue, ready: (int)-ready);
            database.Execute(FormattableString.Invariant($"""
                INSERT INTO garbage(lane) VALUES ({queue.Lane});
                UPDATE queue SET lane = {transaction.NextNumber()} WHERE id = {queue.Id}
                """));
            transaction.TopologyChanged();
        }

        return ready;
    }

    public void RequireOwner(QueueEntry? queue, long sessionId)
    {
        if (queue?.OwnerSession is { } owner && owner != sessionId)
        {
            throw new BrokerAccessException(Texts.QueueOwnedElsewhere(queue.Name, url));
        }
    }

    private void RequireAllowed(ExchangeSpec exchange)
    {
        var reserved = exchange.Name.Length == 0 || exchange.Name.StartsWith(ReservedPrefix, StringComparison.Ordinal);
        if (reserved && transaction.Topology.FindExchange(exchange.Name) is null)
        {
            throw new BrokerAccessException(Texts.ExchangeReserved(exchange.Name));
        }
    }

    private void Require(TopologyPlan plan, BindingSpec binding)
    {
        if (transaction.Topology.FindExchange(binding.Exchange) is null && plan.Exchanges.All(exchange => exchange.Name != binding.Exchange))
        {
            throw new BrokerException(Texts.ExchangeMissingForBinding(binding.Exchange, binding.QueueName, url));
        }

        if (transaction.Topology.FindQueue(binding.QueueName) is null && plan.Queues.All(queue => queue.Name != binding.QueueName))
        {
            throw new QueueNotFoundException(binding.QueueName, Texts.QueueMissing(binding.QueueName, url));
        }
    }

    private bool Declare(ExchangeSpec spec)
    {
        if (transaction.Topology.FindExchange(spec.Name) is { } existing)
        {
            if (existing.Type != spec.Type || existing.Durable != spec.Durable || existing.AutoDelete != spec.AutoDelete
                || existing.Alternate != spec.AlternateExchange)
            {
                StoreLog.ExchangeDiffers(logger, spec.Name, url);
            }

            return false;
        }

        _insertExchange.Bind(1, spec.Name).Bind(2, (long)spec.Type).Bind(3, spec.Durable).Bind(4, spec.AutoDelete)
            .Bind(5, spec.AlternateExchange).Execute();
        return true;
    }

    private bool Declare(QueueSpec spec, long sessionId)
    {
        if (transaction.Topology.FindQueue(spec.Name) is { } existing)
        {
            var differences = Differences(existing.Spec, spec);
            if (differences.Count > 0)
            {
                StoreLog.QueueDiffers(logger, spec.Name, url, string.Join(", ", differences));
            }

            return false;
        }

        // Messages that were delayed for a deleted queue of this name are its own.
        var former = _findFormer.Bind(1, spec.Name).Scalar(-1);
        var id = former >= 0 ? former : transaction.NextNumber();
        if (former >= 0)
        {
            _deleteFormer.Bind(1, former).Execute();
        }
        else
        {
            _insertCounts.Bind(1, id).Execute();
        }

        _insertQueue.Bind(1, id).Bind(2, spec.Name).Bind(3, transaction.NextNumber()).Bind(4, (long)spec.Type)
            .Bind(5, spec.Durable).Bind(6, spec.AutoDelete).Bind(7, spec.Exclusive ? sessionId : null)
            .Bind(8, spec.MaxPriority).Bind(9, spec.MaxLength).Bind(10, spec.RejectPublishWhenFull)
            .Bind(11, spec.MessageTtl is { } ttl ? (long)ttl.TotalMilliseconds : null)
            .Bind(12, spec.DeadLetterExchange).Bind(13, spec.DeadLetterRoutingKey).Bind(14, spec.DeliveryLimit).Execute();
        return true;
    }

    private static List<string> Differences(QueueSpec existing, QueueSpec wanted)
    {
        var found = new List<string>();
        Compare(nameof(QueueSpec.Type), existing.Type, wanted.Type);
        Compare(nameof(QueueSpec.Durable), existing.Durable, wanted.Durable);
        Compare(nameof(QueueSpec.Exclusive), existing.Exclusive, wanted.Exclusive);
        Compare(nameof(QueueSpec.AutoDelete), existing.AutoDelete, wanted.AutoDelete);
        Compare(nameof(QueueSpec.MaxPriority), existing.MaxPriority, wanted.MaxPriority);
        Compare(nameof(QueueSpec.MaxLength), existing.MaxLength, wanted.MaxLength);
        Compare(nameof(QueueSpec.RejectPublishWhenFull), existing.RejectPublishWhenFull, wanted.RejectPublishWhenFull);
        Compare(nameof(QueueSpec.MessageTtl), existing.MessageTtl, wanted.MessageTtl);
        Compare(nameof(QueueSpec.DeadLetterExchange), existing.DeadLetterExchange, wanted.DeadLetterExchange);
        Compare(nameof(QueueSpec.DeadLetterRoutingKey), existing.DeadLetterRoutingKey, wanted.DeadLetterRoutingKey);
        Compare(nameof(QueueSpec.DeliveryLimit), existing.DeliveryLimit, wanted.DeliveryLimit);
        return found;

        void Compare<T>(string name, T had, T want)
        {
            if (!EqualityComparer<T>.Default.Equals(had, want))
            {
                found.Add(FormattableString.Invariant($"{name} {had?.ToString() ?? "-"} / {want?.ToString() ?? "-"}"));
            }
        }
    }

    private bool Bind(BindingSpec spec)
    {
        var queue = transaction.Topology.FindQueue(spec.QueueName)!;
        return _insertBinding.Bind(1, spec.Exchange).Bind(2, queue.Id).Bind(3, spec.RoutingKey)
            .Bind(4, MessageCodec.EncodeTable(spec.Arguments)).Execute() > 0;
    }

    private void DeleteExchangeRow(string name)
    {
        using var bindings = database.PrepareOnce("DELETE FROM binding WHERE exchange = ?1");
        using var exchange = database.PrepareOnce("DELETE FROM exchange WHERE name = ?1");
        bindings.Bind(1, name).Execute();
        exchange.Bind(1, name).Execute();
    }
}
