namespace RabbitArq.Messages;

/// <summary>One job as it travels: what to run, with what, and how often it was tried. Immutable; all times are instants (UTC).</summary>
internal sealed record JobEnvelope
{
    /// <summary>The job's id: 32 hex digits when generated, any text when given.</summary>
    public required string JobId { get; init; }

    /// <summary>The wire name of the job.</summary>
    public required string Function { get; init; }

    /// <summary>The arguments, still as JSON.</summary>
    public JobArguments Arguments { get; init; } = JobArguments.None;

    /// <summary>Which attempt a run of this envelope is, from 1. The only attempt counter there is.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>When the job was first enqueued.</summary>
    public required DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>The queue it was enqueued to; null when the sender did not say.</summary>
    public string? QueueName { get; init; }

    /// <summary>When it may run; null: at once.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>After this instant it must not be started; null: never expires.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The job that enqueued this one; null: none.</summary>
    public string? ParentId { get; init; }

    /// <summary>The first job of the chain of parents; null: this job is the first.</summary>
    public string? RootId { get; init; }

    /// <summary>How often it may be tried again; null: the job's or the worker's setting.</summary>
    public int? MaxRetries { get; init; }

    /// <summary>How long one attempt may run; null: the job's or the worker's setting.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Whether the result is stored; null: the job's or the worker's setting.</summary>
    public bool? StoreResult { get; init; }

    /// <summary>AMQP priority, higher first; null: none.</summary>
    public byte? Priority { get; init; }

    /// <summary>Headers of the user and of other systems. Those that RabbitArq writes itself are not among them.</summary>
    public IReadOnlyDictionary<string, object?> Headers { get; init; } = BrokerMessage.NoHeaders;

    /// <summary>Fields of the body that this version does not know, as JSON. They are written back as they were.</summary>
    public IReadOnlyList<KeyValuePair<string, ReadOnlyMemory<byte>>> UnknownFields { get; init; } = [];

    /// <summary>Makes a new id.</summary>
    /// <returns>32 lower-case hex digits, ordered by time of creation.</returns>
    public static string NewJobId(DateTimeOffset now) => Guid.CreateVersion7(now).ToString("N");
}
