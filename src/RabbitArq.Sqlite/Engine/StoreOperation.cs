using RabbitArq.Brokers;
using RabbitArq.Sqlite.Localization;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// One thing that somebody asks of the store's thread. Many share one transaction; each is answered after the commit.
/// <code>
/// queued ──taken──► executed ──commit──► completed
///    │                  └──rollback──► failed, or tried again when it must happen
///    └──given up by the caller──► skipped
/// </code>
/// </summary>
internal abstract class StoreOperation
{
    private const int Queued = 0;
    private const int Taken = 1;
    private const int GivenUp = 2;

    private int _state;

    /// <summary>The timestamp after which nobody waits for it any more.</summary>
    public long Deadline { get; init; } = long.MaxValue;

    /// <summary>Whether it writes nothing, so that it needs no write lock.</summary>
    public virtual bool ReadsOnly => false;

    /// <summary>Whether it is tried until it succeeds: nobody will ask again.</summary>
    public virtual bool MustHappen => false;

    /// <summary>Bytes that it adds to the transaction, roughly.</summary>
    public virtual int Weight => 0;

    /// <summary>Why it alone was refused while the rest of its batch was committed.</summary>
    public BrokerException? Refusal { get; set; }

    public bool TryTake() => Interlocked.CompareExchange(ref _state, Taken, Queued) == Queued;

    /// <summary>By the caller: false when the store's thread already has it.</summary>
    public bool TryGiveUp() => Interlocked.CompareExchange(ref _state, GivenUp, Queued) == Queued;

    /// <summary>Inside the transaction. A <see cref="BrokerException"/> refuses this operation and must precede its first write.</summary>
    public abstract void Execute(EmbeddedStore store);

    /// <summary>After the commit, or after a refusal.</summary>
    public abstract void Complete();

    /// <summary>After a rollback, or when its time was up.</summary>
    public abstract void Fail(Exception failure);
}

/// <summary>The time of an operation was up.</summary>
internal sealed class StoreTimeoutException(bool started) : Exception
{
    /// <summary>Whether the store's thread was at it, so that it may happen yet.</summary>
    public bool Started { get; } = started;
}

/// <summary>An operation with an answer.</summary>
internal sealed class StoreRequest<T>(Func<EmbeddedStore, T> execute, string where) : StoreOperation
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly bool _readsOnly;
    private readonly bool _mustHappen;
    private T? _result;

    public override bool ReadsOnly => _readsOnly;

    public override bool MustHappen => _mustHappen;

    public bool IsReading
    {
        init => _readsOnly = value;
    }

    public bool IsCertain
    {
        init => _mustHappen = value;
    }

    /// <summary>What to do on the store's thread after the commit, before the caller hears of it.</summary>
    public Action<T>? Committed { get; init; }

    public Task<T> Answer => _answer.Task;

    public override void Execute(EmbeddedStore store) => _result = execute(store);

    public override void Complete()
    {
        if (Refusal is { } refusal)
        {
            _answer.TrySetException(refusal);
            return;
        }

        Committed?.Invoke(_result!);
        _answer.TrySetResult(_result!);
    }

    public override void Fail(Exception failure) =>
        _answer.TrySetException(failure switch
        {
            ObjectDisposedException => failure,
            StoreTimeoutException => new BrokerUnreachableException(Texts.OperationTimedOut(where), failure),
            _ => StoreErrors.ToBroker(failure, where),
        });

    public void Cancel(CancellationToken cancellationToken)
    {
        _ = TryGiveUp();
        _answer.TrySetCanceled(cancellationToken);
    }
}

/// <summary>A publish.</summary>
internal sealed class PublishOperation(PublishRequest request, byte[] properties, string where) : StoreOperation
{
    private readonly TaskCompletionSource _confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _registration;

    public Task Confirmed => _confirmed.Task;

    public override int Weight => request.Message.Body.Length + properties.Length;

    public void CancelWith(CancellationToken cancellationToken) =>
        _registration = cancellationToken.UnsafeRegister(
            static (state, token) =>
            {
                var operation = (PublishOperation)state!;
                _ = operation.TryGiveUp();
                operation._confirmed.TrySetCanceled(token);
            },
            this);

    public override void Execute(EmbeddedStore store) => store.Publish(request, properties);

    public override void Complete()
    {
        _registration.Dispose();
        if (Refusal is { } refusal)
        {
            _confirmed.TrySetException(refusal);
        }
        else
        {
            _confirmed.TrySetResult();
        }
    }

    public override void Fail(Exception failure)
    {
        _registration.Dispose();
        _confirmed.TrySetException(failure switch
        {
            ObjectDisposedException => failure,
            StoreTimeoutException { Started: true } => new PublishUnconfirmedException(request, Texts.OperationTimedOut(where), failure),
            StoreTimeoutException => new BrokerBlockedException(request, Texts.OperationTimedOut(where), mayHaveArrived: false, failure),
            _ => StoreErrors.ToPublish(failure, request, where),
        });
    }
}
