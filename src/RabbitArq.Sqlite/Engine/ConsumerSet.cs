using RabbitArq.Brokers;
using RabbitArq.Sqlite.Localization;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// The consumers of this process and what they hold. Only the store's thread touches it. Messages of one queue are dealt
/// out one by one in turn, so that no consumer takes all while another has nothing to do.
/// </summary>
internal sealed class ConsumerSet(string where)
{
    private readonly Dictionary<long, List<SqliteConsumer>> _byQueue = [];
    private readonly List<(SqliteConsumer Consumer, ClaimedMessage Message)> _dealt = [];
    private readonly List<ClaimedMessage> _claimed = [];
    private int _turn;

    public IEnumerable<SqliteConsumer> All => _byQueue.Values.SelectMany(static consumers => consumers);

    /// <summary>Queues with a consumer here that may have something waiting, as far as this process knows.</summary>
    public HashSet<long> Promising { get; } = [];

    public void Add(SqliteConsumer consumer)
    {
        if (!_byQueue.TryGetValue(consumer.QueueId, out var consumers))
        {
            _byQueue.Add(consumer.QueueId, consumers = []);
        }

        consumers.Add(consumer);
        Promising.Add(consumer.QueueId);
    }

    public void Remove(SqliteConsumer consumer)
    {
        if (_byQueue.TryGetValue(consumer.QueueId, out var consumers) && consumers.Remove(consumer) && consumers.Count == 0)
        {
            _byQueue.Remove(consumer.QueueId);
            Promising.Remove(consumer.QueueId);
        }
    }

    /// <summary>
    /// Queues of which this process took no more than its share, and left the rest for consumers of other processes to take
    /// until the next look.
    /// </summary>
    public HashSet<long> Shared { get; } = [];

    /// <summary>At a look at the file: what others have left is free to take.</summary>
    public void NoticeShared()
    {
        if (Shared.Count > 0)
        {
            Shared.RemoveWhere(id => !_byQueue.ContainsKey(id));
            Promising.UnionWith(Shared);
            Shared.Clear();
        }
    }

    public int Count(long queueId) => _byQueue.TryGetValue(queueId, out var consumers) ? consumers.Count : 0;

    /// <summary>Notes that a queue got a message or a consumer got room.</summary>
    public void Notice(long queueId)
    {
        if (_byQueue.ContainsKey(queueId))
        {
            Promising.Add(queueId);
        }
    }

    /// <summary>Notes that another process has changed something, nobody knows what.</summary>
    public void NoticeAll() => Promising.UnionWith(_byQueue.Keys);

    /// <summary>How many more messages the consumers of a queue may hold.</summary>
    public int Room(long queueId)
    {
        var room = 0;
        if (_byQueue.TryGetValue(queueId, out var consumers))
        {
            foreach (var consumer in consumers)
            {
                room += consumer.Room;
            }
        }

        return room;
    }

    /// <summary>Whether any consumer here has room, so that it is worth looking for what others publish.</summary>
    public bool AnyRoom()
    {
        foreach (var consumers in _byQueue.Values)
        {
            foreach (var consumer in consumers)
            {
                if (consumer.Room > 0)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Inside the transaction: takes messages for the consumers of a queue. They get them after the commit.</summary>
    /// <param name="messages">Where they are taken from.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="share">How many this process may take now, for the sake of consumers in other processes.</param>
    /// <param name="most">How many one transaction takes.</param>
    /// <param name="mostBytes">How many bytes one transaction takes, roughly.</param>
    /// <param name="nodeId">This process.</param>
    public void Claim(MessageTables messages, QueueEntry queue, long share, int most, long mostBytes, long nodeId)
    {
        var room = Math.Min(Room(queue.Id), most);
        if (room > share)
        {
            room = (int)share;
            Shared.Add(queue.Id);
            Promising.Remove(queue.Id);
        }

        if (room == 0)
        {
            Promising.Remove(queue.Id);
            return;
        }

        _claimed.Clear();
        messages.Claim(queue, room, mostBytes, nodeId, _claimed);
        var consumers = _byQueue[queue.Id];
        foreach (var message in _claimed)
        {
            SqliteConsumer next;
            do
            {
                next = consumers[(int)((uint)_turn++ % (uint)consumers.Count)];
            }
            while (next.Room == 0);

            next.Reserve();
            _dealt.Add((next, message));
        }

        if (_claimed.Count == 0)
        {
            Promising.Remove(queue.Id);
        }
    }

    /// <summary>At the begin of a transaction: forgets what an earlier one that was rolled back had planned.</summary>
    public void Begin()
    {
        _dealt.Clear();
        foreach (var consumers in _byQueue.Values)
        {
            foreach (var consumer in consumers)
            {
                consumer.Begin();
            }
        }
    }

    /// <summary>After the commit: hands out what was taken.</summary>
    public void Deliver()
    {
        foreach (var (consumer, message) in _dealt)
        {
            consumer.Deliver(message);
        }

        _dealt.Clear();
    }

    /// <summary>Ends the consumers whose queue is gone.</summary>
    public void EndMissing(TopologyCache topology)
    {
        foreach (var consumer in All.Where(consumer => topology.FindQueue(consumer.QueueId) is null).ToList())
        {
            Remove(consumer);
            consumer.End(new QueueNotFoundException(consumer.QueueName, Texts.QueueDeletedWhileConsumed(consumer.QueueName, where)));
        }
    }
}
