using Microsoft.Extensions.Logging;
using RabbitArq.Diagnostics;
using RabbitArq.Results;

namespace RabbitArq.Workers;

/// <summary>Takes the progress of running jobs to the log and, where there is one, to the result store.</summary>
internal sealed class ProgressReporter(IResultStore? store, string workerId, TimeSpan ttl, ILogger logger, TimeProvider time)
{
    public async ValueTask ReportAsync(JobContext context, JobProgress progress, CancellationToken cancellationToken)
    {
        logger.JobProgress(context.Function, context.JobId, Math.Round(progress.Fraction * 100, 1), progress.Message);
        if (store is null)
        {
            return;
        }

        var record = new JobRecord
        {
            JobId = context.JobId,
            Status = JobStatus.InProgress,
            Function = context.Function,
            QueueName = context.QueueName,
            Attempt = context.Attempt,
            Args = context.Envelope.Arguments.Positional,
            Kwargs = context.Envelope.Arguments.Named,
            WorkerId = workerId,
            CreatedAt = context.EnqueuedAt,
            StartedAt = context.StartedAt,
            ExpiresAt = time.GetUtcNow() + ttl,
            Progress = progress.Fraction,
        };
        try
        {
            await store.SaveAsync(record, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // A report is a courtesy: the store's trouble must not fail the job.
            logger.RecordFailed(context.JobId, exception);
        }
    }
}
