using System.Threading.Tasks.Sources;

namespace RabbitArq.RabbitMQ.Publishing;

/// <summary>
/// One publish from the call to its answer. It is the caller's task as well (one allocation), and ends once: whoever
/// completes first (confirm, refusal, deadline, the caller's token) wins.
/// </summary>
internal sealed class OutgoingMessage : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private int _completed;

    public OutgoingMessage(PublishRequest request, long deadline)
    {
        Request = request;
        Deadline = deadline;
    }

    public PublishRequest Request { get; }

    /// <summary>A timestamp of the broker's <see cref="TimeProvider"/>.</summary>
    public long Deadline { get; }

    public ValueTask Task => new(this, _core.Version);

    public bool IsCompleted => Volatile.Read(ref _completed) != 0;

    /// <summary>Whether it was handed to a connection at least once, so that the broker may have it. Written by the pump.</summary>
    public bool WasSent { get; set; }

    /// <summary>
    /// Whether it was outstanding when the broker closed a channel because of one of several publishes. Such messages go
    /// one at a time, so that the next close names the culprit.
    /// </summary>
    public bool IsSuspect { get; set; }

    /// <summary>Where it went last: a delayed message goes elsewhere than its request says. Written by the pump.</summary>
    public string SentExchange { get; set; } = "";

    /// <summary>See <see cref="SentExchange"/>.</summary>
    public string SentRoutingKey { get; set; } = "";

    /// <summary>The broker's <c>basic.return</c>; its confirm follows. Written and read on the client's read loop.</summary>
    public string? ReturnText { get; set; }

    public void CancelWith(CancellationToken token)
    {
        if (token.CanBeCanceled)
        {
            _cancellation = token.UnsafeRegister(
                static (state, canceled) => ((OutgoingMessage)state!).TryFail(new OperationCanceledException(canceled)), this);
            if (IsCompleted)
            {
                // The token fired while it was being registered.
                _cancellation.Unregister();
            }
        }
    }

    public bool TrySucceed()
    {
        if (Interlocked.Exchange(ref _completed, 1) != 0)
        {
            return false;
        }

        _cancellation.Unregister();
        _core.SetResult(true);
        return true;
    }

    public bool TryFail(Exception exception)
    {
        if (Interlocked.Exchange(ref _completed, 1) != 0)
        {
            return false;
        }

        _cancellation.Unregister();
        _core.SetException(exception);
        return true;
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
