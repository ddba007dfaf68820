namespace RabbitArq;

/// <summary>
/// Marks a method as a job. Without <see cref="Name"/> the wire name is the method's name in snake_case without
/// <c>Async</c>: <c>CountWordsAsync</c> becomes <c>count_words</c>.
/// </summary>
/// <param name="name">The wire name; null: from the method.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class JobAttribute(string? name = null) : Attribute
{
    /// <summary>The wire name; null: from the method.</summary>
    public string? Name { get; } = name;

    /// <summary>How often a failed run is tried again; -1 (default): the worker's setting.</summary>
    public int MaxRetries { get; set; } = -1;

    /// <summary>How many seconds one attempt may run; 0 (default): the worker's setting.</summary>
    public double TimeoutSeconds { get; set; }

    /// <summary>How many runs of this job one worker does at a time; 0 (default): the worker's limit.</summary>
    public int MaxConcurrentJobs { get; set; }

    /// <summary>How many runs of this job one worker starts per second at most; 0 (default): no limit.</summary>
    public double MaxPerSecond { get; set; }

    /// <summary>Exceptions that are tried again, whatever the worker's rules say; subclasses included.</summary>
    public Type[] RetryOn { get; set; } = [];

    /// <summary>Exceptions that are never tried again, whatever the worker's rules say; subclasses included.</summary>
    public Type[] DoNotRetryOn { get; set; } = [];
}
