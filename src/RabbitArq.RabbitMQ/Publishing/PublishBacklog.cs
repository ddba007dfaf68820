namespace RabbitArq.RabbitMQ.Publishing;

/// <summary>
/// What waits to be sent: first what was outstanding on a lost channel, then what callers added. Any thread adds; only
/// the pump takes.
/// </summary>
internal sealed class PublishBacklog
{
    private readonly Lock _gate = new();
    private readonly Queue<OutgoingMessage> _fresh = new();
    private Queue<OutgoingMessage> _again = new();
    private TaskCompletionSource? _arrival;
    private bool _closed;

    /// <returns>False when the publisher is disposed.</returns>
    public bool Add(OutgoingMessage message)
    {
        TaskCompletionSource? arrival;
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            _fresh.Enqueue(message);
            arrival = TakeArrival();
        }

        arrival?.TrySetResult();
        return true;
    }

    /// <summary>Puts messages in front of all others, in the given order.</summary>
    public void PutBack(IEnumerable<OutgoingMessage> messages)
    {
        TaskCompletionSource? arrival;
        lock (_gate)
        {
            var again = new Queue<OutgoingMessage>(messages);
            foreach (var message in _again)
            {
                again.Enqueue(message);
            }

            _again = again;
            arrival = again.Count > 0 ? TakeArrival() : null;
        }

        arrival?.TrySetResult();
    }

    /// <summary>The next message that somebody still waits for.</summary>
    /// <param name="alone">Whether the next one may be taken when it must go alone.</param>
    /// <param name="message">The message.</param>
    public bool TryTake(bool alone, out OutgoingMessage? message)
    {
        lock (_gate)
        {
            while (_again.TryPeek(out message) || _fresh.TryPeek(out message))
            {
                if (!message.IsCompleted && message.IsSuspect && !alone)
                {
                    return false;
                }

                _ = _again.Count > 0 ? _again.Dequeue() : _fresh.Dequeue();
                if (!message.IsCompleted)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Ends when there is something to take, or the token is cancelled.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_again.Count > 0 || _fresh.Count > 0)
            {
                return Task.CompletedTask;
            }

            // Continuations run on the pool: a caller of Add must not become the pump.
            _arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _arrival.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Takes out what is past its deadline. Deadlines of callers' messages are in the order of arrival.</summary>
    public List<OutgoingMessage>? TakeExpired(long now)
    {
        List<OutgoingMessage>? expired = null;
        lock (_gate)
        {
            while (_fresh.TryPeek(out var message) && (message.IsCompleted || message.Deadline <= now))
            {
                (expired ??= []).Add(_fresh.Dequeue());
            }

            if (_again.Count > 0)
            {
                (expired ??= []).AddRange(_again.Where(message => message.Deadline <= now && !message.IsCompleted));
            }
        }

        return expired;
    }

    /// <summary>Takes everything and accepts nothing more.</summary>
    public List<OutgoingMessage> Close()
    {
        lock (_gate)
        {
            _closed = true;
            List<OutgoingMessage> rest = [.. _again, .. _fresh];
            _again.Clear();
            _fresh.Clear();
            return rest;
        }
    }

    private TaskCompletionSource? TakeArrival()
    {
        var arrival = _arrival;
        _arrival = null;
        return arrival;
    }
}
