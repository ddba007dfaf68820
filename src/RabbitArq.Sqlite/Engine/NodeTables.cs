using RabbitArq.Brokers;
using RabbitArq.Sqlite.Localization;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// Who is there: a node is a process with the file open, a session one broker opened in it, a consumer one queue it takes
/// from. Each method runs inside the open transaction of the store's own thread.
/// </summary>
internal sealed class NodeTables(
    SqliteDatabase database, StoreTransaction transaction, MessageTables messages, TopologyTables topology, string url)
{
    private readonly SqliteStatement _insertConsumer = database.Prepare(
        "INSERT INTO consumer(id, queue_id, session_id, node_id, exclusive, tag) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");

    private readonly SqliteStatement _deleteConsumer = database.Prepare("DELETE FROM consumer WHERE id = ?1");
    private readonly SqliteStatement _consumersOf = database.Prepare("SELECT count(*), max(exclusive) FROM consumer WHERE queue_id = ?1");
    private readonly SqliteStatement _nodeExists = database.Prepare("SELECT count(*) FROM node WHERE id = ?1");
    private readonly SqliteStatement _otherNodes = database.Prepare("SELECT id, lock_name FROM node WHERE id <> ?1");

    public long AddNode(string lockName)
    {
        var id = transaction.NextNumber();
        using var insert = database.PrepareOnce("INSERT INTO node(id, lock_name, process_id, started) VALUES (?1, ?2, ?3, ?4)");
        insert.Bind(1, id).Bind(2, lockName).Bind(3, Environment.ProcessId).Bind(4, transaction.Now).Execute();
        return id;
    }

    public bool NodeExists(long id) => _nodeExists.Bind(1, id).Scalar() != 0;

    public List<(long Id, string LockName)> OtherNodes(long nodeId)
    {
        var nodes = new List<(long, string)>();
        _otherNodes.Bind(1, nodeId);
        while (_otherNodes.Step())
        {
            nodes.Add((_otherNodes.Int64(0), _otherNodes.Text(1)));
        }

        return nodes;
    }

    /// <summary>Takes a node out of the tables and hands back what it held.</summary>
    /// <returns>How many messages it held.</returns>
    public int RemoveNode(long nodeId)
    {
        var held = new List<long>();
        using (var leases = database.PrepareOnce("SELECT message_id FROM lease WHERE node_id = ?1"))
        {
            leases.Bind(1, nodeId);
            while (leases.Step())
            {
                held.Add(leases.Int64(0));
            }
        }

        held.ForEach(id => messages.Return(id, nodeId, delivered: true));
        foreach (var session in Ids("SELECT id FROM session WHERE node_id = ?1", nodeId))
        {
            RemoveSession(session);
        }

        database.Execute(FormattableString.Invariant($"DELETE FROM node WHERE id = {nodeId}"));
        return held.Count;
    }

    public long AddSession(long nodeId, string clientName)
    {
        var id = transaction.NextNumber();
        using var insert = database.PrepareOnce("INSERT INTO session(id, node_id, client_name) VALUES (?1, ?2, ?3)");
        insert.Bind(1, id).Bind(2, nodeId).Bind(3, clientName).Execute();
        return id;
    }

    /// <summary>Ends a session: its consumers and exclusive queues go.</summary>
    public void RemoveSession(long sessionId)
    {
        foreach (var consumer in Ids("SELECT id FROM consumer WHERE session_id = ?1", sessionId))
        {
            RemoveConsumer(consumer);
        }

        foreach (var queue in transaction.Topology.Queues.Where(queue => queue.OwnerSession == sessionId).ToList())
        {
            topology.DeleteQueue(queue);
        }

        database.Execute(FormattableString.Invariant($"DELETE FROM session WHERE id = {sessionId}"));
    }

    public long CountConsumers(QueueEntry queue) => _consumersOf.Bind(1, queue.Id).Scalar();

    public (long Id, QueueEntry Queue) AddConsumer(ConsumerSpec spec, long nodeId, long sessionId)
    {
        var queue = transaction.Topology.FindQueue(spec.QueueName)
            ?? throw new QueueNotFoundException(spec.QueueName, Texts.QueueMissing(spec.QueueName, url));
        topology.RequireOwner(queue, sessionId);
        _consumersOf.Bind(1, queue.Id).Step();
        var (others, exclusive) = (_consumersOf.Int64(0), _consumersOf.Int64(1));
        _consumersOf.Reset();
        if (exclusive != 0 || (spec.Exclusive && others > 0))
        {
            throw new BrokerAccessException(Texts.QueueHasExclusiveConsumer(spec.QueueName, url));
        }

        var id = transaction.NextNumber();
        InsertConsumer(id, queue.Id, sessionId, nodeId, spec);
        return (id, queue);
    }

    /// <summary>Writes the rows of a node's sessions and consumers anew, after another process has removed them.</summary>
    public void Restore(long nodeId, IReadOnlyDictionary<long, string> sessions, IEnumerable<SqliteConsumer> consumers)
    {
        using var insert = database.PrepareOnce("INSERT INTO session(id, node_id, client_name) VALUES (?1, ?2, ?3)");
        foreach (var (id, name) in sessions)
        {
            insert.Bind(1, id).Bind(2, nodeId).Bind(3, name).Execute();
        }

        foreach (var consumer in consumers)
        {
            if (transaction.Topology.FindQueue(consumer.QueueId) is not null)
            {
                InsertConsumer(consumer.Id, consumer.QueueId, consumer.SessionId, nodeId, consumer.Spec);
            }
        }
    }

    private void InsertConsumer(long id, long queueId, long sessionId, long nodeId, ConsumerSpec spec) =>
        _insertConsumer.Bind(1, id).Bind(2, queueId).Bind(3, sessionId).Bind(4, nodeId).Bind(5, spec.Exclusive)
            .Bind(6, spec.Tag ?? FormattableString.Invariant($"consumer-{id}")).Execute();

    /// <summary>Takes a consumer off its queue; an auto-delete queue goes with its last one.</summary>
    public void RemoveConsumer(long consumerId)
    {
        long queueId;
        using (var find = database.PrepareOnce("SELECT queue_id FROM consumer WHERE id = ?1"))
        {
            queueId = find.Bind(1, consumerId).Scalar(-1);
        }

        _deleteConsumer.Bind(1, consumerId).Execute();
        if (transaction.Topology.FindQueue(queueId) is { Spec.AutoDelete: true } queue && CountConsumers(queue) == 0)
        {
            topology.DeleteQueue(queue);
        }
    }

    private List<long> Ids(string sql, long argument)
    {
        var ids = new List<long>();
        using var rows = database.PrepareOnce(sql);
        rows.Bind(1, argument);
        while (rows.Step())
        {
            ids.Add(rows.Int64(0));
        }

        return ids;
    }
}
