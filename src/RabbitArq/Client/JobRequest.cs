namespace RabbitArq;

/// <summary>One job to enqueue.</summary>
/// <param name="Function">The job's wire name.</param>
public sealed record JobRequest(string Function)
{
    /// <summary>Arguments in the order of the job's parameters. Default: none.</summary>
    public IReadOnlyList<object?> Args { get; init; } = [];

    /// <summary>Arguments by parameter name. Default: none.</summary>
    public IReadOnlyDictionary<string, object?>? NamedArgs { get; init; }

    /// <summary>What is set for this enqueue alone. Default: nothing.</summary>
    public EnqueueOptions? Options { get; init; }
}

/// <summary>What can be set for one enqueue; null means the default of the client, the job or the worker.</summary>
public sealed record EnqueueOptions
{
    /// <summary>The queue. Default: the client's.</summary>
    public string? QueueName { get; init; }

    /// <summary>The job's id. Default: 32 generated hex digits.</summary>
    public string? JobId { get; init; }

    /// <summary>Run it after this time. Not together with <see cref="DeferUntil"/>.</summary>
    public TimeSpan? DeferBy { get; init; }

    /// <summary>Run it at this instant. Not together with <see cref="DeferBy"/>.</summary>
    public DateTimeOffset? DeferUntil { get; init; }

    /// <summary>
    /// How long after its due time (or now) it may still be started. Default: the client's, 24 h.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: it never expires.
    /// </summary>
    public TimeSpan? Expires { get; init; }

    /// <summary>AMQP priority 0 to 255, higher first; needs a queue with priorities.</summary>
    public byte? Priority { get; init; }

    /// <summary>Headers that travel with the job.</summary>
    public IReadOnlyDictionary<string, object?>? Headers { get; init; }

    /// <summary>The job that this one belongs to. Default: none, or the running job for <c>JobContext.EnqueueAsync</c>.</summary>
    public string? ParentId { get; init; }

    /// <summary>How often a failed run is tried again. Default: the job's or the worker's.</summary>
    public int? MaxRetries { get; init; }

    /// <summary>How long one attempt may run. Default: the job's or the worker's.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Whether its result is stored. Default: the job's or the worker's.</summary>
    public bool? StoreResult { get; init; }

    /// <summary>Which attempt the first run is, from 1. Default: 1. For handing on a job that was tried elsewhere.</summary>
    public int? Attempt { get; init; }

    internal string? RootId { get; init; }
}

/// <summary>What became of each job of a batch.</summary>
/// <param name="Items">One entry per request, in their order.</param>
public sealed record EnqueueReport(IReadOnlyList<EnqueueItem> Items)
{
    /// <summary>How many the broker has confirmed.</summary>
    public int Confirmed => Items.Count(item => item.Error is null);

    /// <summary>How many were not enqueued, or may not have been.</summary>
    public int Failed => Items.Count - Confirmed;

    /// <summary>Throws when any job of the batch was not confirmed.</summary>
    /// <exception cref="AggregateException">Holds the error of each.</exception>
    public void ThrowIfAnyFailed()
    {
        if (Failed > 0)
        {
            throw new AggregateException(Localization.Texts.BatchPartlyFailed(Failed, Items.Count), Items.Where(i => i.Error is not null).Select(i => i.Error!));
        }
    }
}

/// <summary>One job of a batch.</summary>
/// <param name="Request">What was asked.</param>
/// <param name="Handle">The job, when the broker has confirmed it.</param>
/// <param name="Error">Why not, otherwise.</param>
public sealed record EnqueueItem(JobRequest Request, JobHandle? Handle, Exception? Error);
