namespace RabbitArq.Execution;

/// <summary>
/// Threads for bodies that block, one for each that runs at a time. A thread waits a while for the next body before it
/// ends: starting one for every job cost a hundred times what an asynchronous job costs. A body that never returns keeps
/// its thread and nothing else.
/// </summary>
/// <param name="idle">How long a thread without work stays. Real time: it has no effect that a job could see.</param>
internal sealed class BodyThreads(TimeSpan idle) : TaskScheduler
{
    private readonly Lock _lock = new();

    // The last to become idle is the first to work again, so that the others can end.
    private readonly List<BodyThread> _idle = [];
    private int _alive;

    /// <summary>Threads that run a body or wait for one.</summary>
    public int Alive => Volatile.Read(ref _alive);

    /// <summary>Threads that wait for one.</summary>
    public int Idle
    {
        get
        {
            lock (_lock)
            {
                return _idle.Count;
            }
        }
    }

    /// <summary>
    /// Runs a body on one of the threads. What it starts itself goes to the pool, as from anywhere else; what awaits its end
    /// may go on on its thread, and until that in turn awaits something, the next body gets another thread.
    /// </summary>
    public Task<Task<object?>> Run(Func<object?, Task<object?>> body, object state) => Task.Factory.StartNew(
        body, state, CancellationToken.None, TaskCreationOptions.DenyChildAttach | TaskCreationOptions.HideScheduler, this);

    protected override void QueueTask(Task task)
    {
        BodyThread? free = null;
        lock (_lock)
        {
            if (_idle.Count > 0)
            {
                free = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
                free.Next = task;
            }
        }

        if (free is not null)
        {
            free.Release();
            return;
        }

        Interlocked.Increment(ref _alive);
        var thread = new BodyThread { Next = task };
        try
        {
            new Thread(() => Loop(thread)) { IsBackground = true, Name = "RabbitArq job" }.Start();
        }
        catch
        {
            Interlocked.Decrement(ref _alive);
            throw;
        }
    }

    /// <summary>Never: a body that blocks must not block the thread that waits for it.</summary>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];

    private void Loop(BodyThread me)
    {
        while (true)
        {
            var task = me.Next!;
            me.Next = null;
            TryExecuteTask(task);
            Restore();
            lock (_lock)
            {
                _idle.Add(me);
            }

            if (me.Wait(idle))
            {
                continue;
            }

            if (TryEnd(me))
            {
                me.Dispose();
                Interlocked.Decrement(ref _alive);
                return;
            }

            // Given a body at the very moment of ending: whoever gave it is about to release.
            me.Wait();
        }
    }

    /// <summary>What a body may have done to its thread must not meet the next one. Cultures flow with the body and go with it.</summary>
    private static void Restore()
    {
        var thread = Thread.CurrentThread;
        if (thread.Priority != ThreadPriority.Normal)
        {
            thread.Priority = ThreadPriority.Normal;
        }

        if (!thread.IsBackground)
        {
            thread.IsBackground = true;
        }
    }

    private bool TryEnd(BodyThread me)
    {
        lock (_lock)
        {
            return _idle.Remove(me);
        }
    }

    /// <summary>A thread as the others see it: released once for each body after the first.</summary>
    private sealed class BodyThread() : SemaphoreSlim(0)
    {
        /// <summary>Written under the lock while the thread is idle; taken by the thread.</summary>
        public Task? Next;
    }
}
