namespace RabbitArq;

/// <summary>Enqueues jobs. Thread-safe: share one for the whole application. Concurrent calls are pipelined.</summary>
public interface IJobClient
{
    /// <summary>Enqueues a job; ends when the broker has confirmed it.</summary>
    /// <param name="request">The job.</param>
    /// <param name="cancellationToken">Gives up waiting; the job may then be enqueued or not.</param>
    /// <returns>A handle with the job's id.</returns>
    /// <exception cref="ArgumentException">An option is out of range or does not go with another.</exception>
    /// <exception cref="Messages.ArgumentNotSerializableException">An argument cannot be written as JSON.</exception>
    /// <exception cref="Brokers.BrokerException">It was not enqueued, or may not have been; see <see cref="Brokers.PublishException"/>.</exception>
    Task<JobHandle> EnqueueAsync(JobRequest request, CancellationToken cancellationToken = default);

    /// <summary>Enqueues many jobs, pipelined; never throws for a single job.</summary>
    /// <param name="requests">The jobs.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>What became of each.</returns>
    Task<EnqueueReport> EnqueueManyAsync(IEnumerable<JobRequest> requests, CancellationToken cancellationToken = default);

    /// <summary>A handle of a job that was enqueued earlier, here or elsewhere. Asks nobody.</summary>
    /// <param name="jobId">The job's id.</param>
    /// <returns>The handle.</returns>
    JobHandle GetHandle(string jobId);
}

/// <summary>Shorter ways to enqueue.</summary>
public static class JobClientExtensions
{
    /// <summary>Enqueues a job by name with positional arguments.</summary>
    /// <param name="client">The client.</param>
    /// <param name="function">The job's wire name.</param>
    /// <param name="args">Arguments in the order of the job's parameters.</param>
    /// <returns>A handle with the job's id.</returns>
    public static Task<JobHandle> EnqueueAsync(this IJobClient client, string function, params object?[] args)
    {
        ArgumentNullException.ThrowIfNull(client);
        return client.EnqueueAsync(new JobRequest(function) { Args = args });
    }

    /// <summary>Enqueues a job by name with options and positional arguments.</summary>
    /// <param name="client">The client.</param>
    /// <param name="function">The job's wire name.</param>
    /// <param name="options">What is set for this enqueue alone.</param>
    /// <param name="args">Arguments in the order of the job's parameters.</param>
    /// <returns>A handle with the job's id.</returns>
    public static Task<JobHandle> EnqueueAsync(this IJobClient client, string function, EnqueueOptions options, params object?[] args)
    {
        ArgumentNullException.ThrowIfNull(client);
        return client.EnqueueAsync(new JobRequest(function) { Args = args, Options = options });
    }
}
