using RabbitArq.Brokers;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>One transaction: due messages, what callers ask for, and deliveries for consumers. On the store's thread.</summary>
internal sealed class BatchRunner(EmbeddedStore store, StoreUpkeep upkeep)
{
    private const int MostDue = 1024;
    private const int MostClaims = 512;
    private const int MostClaimedBytes = 8 * 1024 * 1024;

    /// <summary>
    /// SQLite's lock is not fair: who commits and begins at once always finds it free, while another process sleeps
    /// between two tries. After this long of back-to-back transactions the thread leaves a gap of more than one try.
    /// </summary>
    private const long LongestHold = 20;

    private const int ShortTries = 1000;
    private const int TriesForClaims = 100;

    private long _heldSince;

    /// <summary>Set once, by whoever stops the store: the timestamp after which no lock is waited for.</summary>
    public long StopDeadline { get; set; } = long.MaxValue;

    /// <summary>Whether there is anything to write.</summary>
    public bool NeedsTransaction(List<StoreOperation> batch, long now)
    {
        if (batch.Exists(static operation => !operation.ReadsOnly) || upkeep.HasWork
            || now >= store.Messages.NextDue || now > store.Messages.NextExpiry)
        {
            return true;
        }

        // Looked at without the write lock: mostly another process has taken what was there.
        foreach (var id in store.Consumers.Promising)
        {
            if (store.Consumers.Room(id) == 0
                || store.Transaction.Topology.FindQueue(id) is not { } queue || !store.Messages.AnyReady(queue))
            {
                store.Consumers.Promising.Remove(id);
            }
        }

        return store.Consumers.Promising.Count > 0;
    }

    /// <summary>Runs a batch that only reads.</summary>
    public void Read(List<StoreOperation> batch, long now)
    {
        if (batch.Count == 0)
        {
            return;
        }

        store.Transaction.Refresh(now);
        foreach (var operation in batch)
        {
            Execute(operation);
            operation.Complete();
        }
    }

    /// <summary>Runs a batch in one transaction and answers everybody after the commit.</summary>
    /// <returns>False when the lock was not to be had and nothing was done.</returns>
    public bool Write(SqliteDatabase database, List<StoreOperation> batch, long now, bool claims)
    {
        if (!Begin(batch, now))
        {
            return false;
        }

        Execute(batch, now);
        if (claims)
        {
            Claim();
        }

        store.Transaction.Commit();
        upkeep.AfterCommit(database);
        foreach (var operation in batch)
        {
            operation.Complete();
        }

        store.Consumers.Deliver();
        if (upkeep.TopologyLoaded)
        {
            upkeep.TopologyLoaded = false;
            store.Consumers.EndMissing(store.Transaction.Topology);
        }

        return true;
    }

    /// <summary>Lets other processes have the lock when this one has had it for long enough.</summary>
    /// <param name="more">Whether there is more to do at once.</param>
    public void LeaveGap(bool more)
    {
        if (!more)
        {
            _heldSince = 0;
        }
        else if (upkeep.OtherNodes > 0 && store.Elapsed() - _heldSince > LongestHold)
        {
            StoreLoop.Pause.Wait(2);
            _heldSince = 0;
        }
    }

    /// <summary>Takes the write lock, waiting for other processes for as long as anybody waits for the answer.</summary>
    /// <returns>False when nobody does any more.</returns>
    private bool Begin(List<StoreOperation> batch, long now)
    {
        store.Consumers.Begin();
        var claimsOnly = batch.Count == 0;
        for (var tries = 0; ; tries++)
        {
            try
            {
                store.Transaction.Begin(now);
                if (tries > 0 || _heldSince == 0)
                {
                    _heldSince = store.Elapsed();
                }

                return true;
            }
            catch (SqliteFailureException failure) when (failure.IsBusy)
            {
                var timestamp = store.Clock.GetTimestamp();
                if (timestamp > StopDeadline)
                {
                    throw;
                }

                batch.RemoveAll(operation => IsOver(operation, timestamp, failure));
                if (claimsOnly ? tries >= TriesForClaims : batch.Count == 0)
                {
                    return false;
                }

                // The other side leaves gaps of more than a millisecond: see LongestHold.
                StoreLoop.Pause.Wait(tries < ShortTries ? 1 : 10);
            }
        }
    }

    private static bool IsOver(StoreOperation operation, long timestamp, SqliteFailureException failure)
    {
        var over = operation.Deadline < timestamp;
        if (over)
        {
            operation.Fail(failure);
        }

        return over && !operation.MustHappen;
    }

    private void Execute(List<StoreOperation> batch, long now)
    {
        // Before anything is taken or settled in the name of a node that others have removed.
        upkeep.CheckNode();
        if (now >= store.Messages.NextDue)
        {
            store.Messages.PromoteDue(MostDue);
        }

        if (now > store.Messages.NextExpiry)
        {
            store.Messages.RemoveExpired(MostDue);
        }

        upkeep.Work();
        foreach (var operation in batch)
        {
            Execute(operation);
        }
    }

    private void Execute(StoreOperation operation)
    {
        operation.Refusal = null;
        try
        {
            operation.Execute(store);
        }
        catch (BrokerException refusal)
        {
            operation.Refusal = refusal;
        }
    }

    private void Claim()
    {
        foreach (var touched in store.Messages.Touched)
        {
            store.Consumers.Notice(touched);
        }

        store.Messages.Touched.Clear();
        foreach (var id in store.Consumers.Promising)
        {
            if (store.Transaction.Topology.FindQueue(id) is { } queue)
            {
                store.Consumers.Claim(store.Messages, queue, Share(queue), MostClaims, MostClaimedBytes, store.NodeId);
            }
            else
            {
                store.Consumers.Promising.Remove(id);
            }
        }
    }

    /// <summary>
    /// How many of a queue's waiting messages this process may take at once. With consumers in other processes it is the
    /// part that belongs to its own, so that ten long jobs do not all go to whoever looked first; what the others have not
    /// taken by the next look is shared out again.
    /// </summary>
    private long Share(QueueEntry queue)
    {
        if (upkeep.OtherNodes == 0)
        {
            return long.MaxValue;
        }

        var all = store.Nodes.CountConsumers(queue);
        var own = store.Consumers.Count(queue.Id);
        return all <= own ? long.MaxValue : Math.Max(1, ((store.Transaction.Counts(queue).Ready * own) + all - 1) / all);
    }
}
