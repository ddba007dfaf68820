using System.Text.Json;
using RabbitArq.Localization;
using RabbitArq.Results;

namespace RabbitArq;

/// <summary>A job that was enqueued. Cheap; holds no connection of its own.</summary>
public sealed class JobHandle
{
    private readonly JobClient _client;

    internal JobHandle(JobClient client, string jobId)
    {
        _client = client;
        JobId = jobId;
    }

    /// <summary>The job's id.</summary>
    public string JobId { get; }

    /// <summary>What the result store knows of the job; null when it knows nothing (yet, or any more).</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The record.</returns>
    /// <exception cref="ResultStorageDisabledException">No result store is configured.</exception>
    public async Task<JobRecord?> InfoAsync(CancellationToken cancellationToken = default)
    {
        var store = await _client.Results.GetAsync(cancellationToken).ConfigureAwait(false) ?? throw new ResultStorageDisabledException();
        return await store.FindAsync(JobId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until the job is done and gives its result.</summary>
    /// <typeparam name="T">The type to read the result as.</typeparam>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The result; the default of <typeparamref name="T"/> when the job returned none.</returns>
    /// <exception cref="JobFailedException">The job was dead-lettered or expired.</exception>
    /// <exception cref="TimeoutException">It was not done in time.</exception>
    /// <exception cref="ResultStorageDisabledException">No result store is configured.</exception>
    public async Task<T?> ResultAsync<T>(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var time = _client.TimeProvider;
        var started = time.GetTimestamp();
        var wait = TimeSpan.FromMilliseconds(10);
        while (true)
        {
            var record = await InfoAsync(cancellationToken).ConfigureAwait(false);
            switch (record?.Status)
            {
                case JobStatus.Completed:
                    return record.Result.IsEmpty
                        ? default
                        : (T?)JsonSerializer.Deserialize(record.Result.Span, _client.Settings.Json.GetTypeInfo(typeof(T)));
                case JobStatus.Failed or JobStatus.Expired or JobStatus.Aborted:
                    throw new JobFailedException(record);
                default:
                    break;
            }

            var left = timeout - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                throw new TimeoutException(Texts.ResultNotInTime(JobId, timeout, record?.Status.ToString() ?? "-"));
            }

            await Task.Delay(wait < left ? wait : left, time, cancellationToken).ConfigureAwait(false);
            wait = TimeSpan.FromMilliseconds(Math.Min(wait.TotalMilliseconds * 1.5, 500));
        }
    }
}

/// <summary>A job ended without a result.</summary>
public sealed class JobFailedException : RabbitArqException
{
    internal JobFailedException(JobRecord record)
        : base(Texts.JobHasFailed(record.Function, record.JobId, record.Status.ToString(), record.Error ?? "-")) => Record = record;

    /// <summary>What is known of the job.</summary>
    public JobRecord Record { get; }
}

/// <summary>A result was asked for, but results are not stored.</summary>
public sealed class ResultStorageDisabledException : RabbitArqException
{
    internal ResultStorageDisabledException()
        : base(Texts.ResultStorageDisabled())
    {
    }
}
