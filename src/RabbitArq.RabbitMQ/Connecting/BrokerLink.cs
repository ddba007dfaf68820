using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace RabbitArq.RabbitMQ.Connecting;

/// <summary>One live connection. It never comes back: after a loss the supervisor makes a new link.</summary>
#pragma warning disable CA1001 // A token source without a timer holds nothing to dispose, and its token outlives the connection.
internal sealed class BrokerLink
#pragma warning restore CA1001
{
    private readonly TaskCompletionSource<ShutdownEventArgs> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _lostSource = new();
    private readonly Action<string>? _onBlocked;
    private readonly Action? _onUnblocked;

    // Written by the client's read loop only.
    private volatile string? _blockedReason;
    private volatile TaskCompletionSource _unblocked = Completed();

    public BrokerLink(IConnection connection, Action<string>? onBlocked = null, Action? onUnblocked = null)
    {
        Connection = connection;
        Server = ServerFacts.From(connection.ServerProperties);
        LostToken = _lostSource.Token;
        _onBlocked = onBlocked;
        _onUnblocked = onUnblocked;
        connection.ConnectionBlockedAsync += OnBlockedAsync;
        connection.ConnectionUnblockedAsync += OnUnblockedAsync;
        // Last: the client calls this handler at once when the connection is dead already.
        connection.ConnectionShutdownAsync += OnShutdownAsync;
    }

    public IConnection Connection { get; }

    public ServerFacts Server { get; }

    /// <summary>Ends when the connection is gone, with the reason.</summary>
    public Task<ShutdownEventArgs> Lost => _lost.Task;

    /// <summary>Cancelled when the connection is gone.</summary>
    public CancellationToken LostToken { get; }

    public bool IsLost => _lost.Task.IsCompleted;

    /// <summary>Why the broker blocks publishers on this connection; null: it does not.</summary>
    public string? BlockedReason => _blockedReason;

    /// <summary>Ends when the broker lets publishers go on, or the connection is gone.</summary>
    public Task WhenUnblocked => _unblocked.Task;

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        source.SetResult();
        return source;
    }

    private Task OnBlockedAsync(object sender, ConnectionBlockedEventArgs arguments)
    {
        if (_blockedReason is null)
        {
            _unblocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _blockedReason = arguments.Reason ?? "";
            _onBlocked?.Invoke(_blockedReason);
        }

        return Task.CompletedTask;
    }

    private Task OnUnblockedAsync(object sender, AsyncEventArgs arguments)
    {
        _blockedReason = null;
        _unblocked.TrySetResult();
        _onUnblocked?.Invoke();
        return Task.CompletedTask;
    }

    private Task OnShutdownAsync(object sender, ShutdownEventArgs arguments)
    {
        _lost.TrySetResult(arguments);
        _unblocked.TrySetResult();
        // Not awaited: the client's shutdown must not wait for what others do about it.
        _ = _lostSource.CancelAsync();
        return Task.CompletedTask;
    }
}
