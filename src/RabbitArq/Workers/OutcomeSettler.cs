using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Diagnostics;
using RabbitArq.Execution;
using RabbitArq.Messages;
using RabbitArq.Results;
using RabbitArq.Routing;

namespace RabbitArq.Workers;

/// <summary>
/// Turns an outcome into broker verbs, always in this order: publish the follow-up and get its confirm → record the result
/// → settle the delivery, last. A crash in between may run a job twice; it cannot lose one. What cannot be published is
/// handed back.
/// </summary>
/// <param name="broker">Where follow-ups go.</param>
/// <param name="queue">The queue that the deliveries come from.</param>
/// <param name="store">Where results go; null: nowhere.</param>
/// <param name="worker">The worker's id, name and log.</param>
/// <param name="resultTtl">How long results are kept.</param>
/// <param name="time">The clock.</param>
internal sealed class OutcomeSettler(
    IBroker broker, JobQueue queue, IResultStore? store, SettlerIdentity worker, TimeSpan resultTtl, TimeProvider time)
{
    /// <summary>How long a record may hold up the ack.</summary>
    private static readonly TimeSpan RecordTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The waits between tries to publish a follow-up. After the last, the job is handed back.</summary>
    private static readonly TimeSpan[] FollowUpWaits = [TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5)];

    /// <summary>Settles a run.</summary>
    /// <param name="job">The job.</param>
    /// <param name="run">How it ended.</param>
    /// <param name="giveUp">Cancelled when the shutdown is out of time: what is not published by then is handed back.</param>
    /// <returns>Whether the outcome stands; false when its follow-up could not be published and the job was handed back.</returns>
    public async ValueTask<bool> SettleAsync(PreparedJob job, JobRun run, CancellationToken giveUp)
    {
        switch (run.Outcome)
        {
            case JobOutcome.Succeeded succeeded:
                await RecordAsync(job, run, JobStatus.Completed, succeeded.Result, null).ConfigureAwait(false);
                worker.Logger.JobSucceeded(run.Envelope!.Function, run.Envelope.JobId, run.Duration);
                break;

            case JobOutcome.Retry retry:
                var next = run.Envelope! with { Attempt = run.Envelope.Attempt + 1, DueAt = retry.At };
                if (!await TryPublishAsync(job, new PublishRequest(Encode(job, next), queue.Name) { DueAt = retry.At }, giveUp).ConfigureAwait(false))
                {
                    return false;
                }

                worker.Retried?.Invoke(retry.At);
                await RecordAsync(job, run, JobStatus.Retrying, default, retry.Error).ConfigureAwait(false);
                worker.Logger.JobRetrying(run.Envelope.Function, run.Envelope.JobId, run.Envelope.Attempt, retry.At, retry.Error);
                break;

            case JobOutcome.Snoozed snoozed:
                var same = run.Envelope! with { DueAt = snoozed.At };
                if (!await TryPublishAsync(job, new PublishRequest(Encode(job, same), queue.Name) { DueAt = snoozed.At }, giveUp).ConfigureAwait(false))
                {
                    return false;
                }

                worker.Snoozed?.Invoke(snoozed.At);
                worker.Logger.JobSnoozed(run.Envelope.Function, run.Envelope.JobId, snoozed.At);
                break;

            case JobOutcome.DeadLettered dead:
                var letter = DeadLetters.Make(job, dead.Reason, worker.Id, time.GetUtcNow());
                if (!await TryPublishAsync(job, new PublishRequest(letter, queue.DeadLetterQueueName), giveUp).ConfigureAwait(false))
                {
                    return false;
                }

                await RecordAsync(job, run, JobStatus.Failed, default, dead.Error).ConfigureAwait(false);
                worker.Logger.JobDeadLettered(NameOf(job), IdOf(job), queue.DeadLetterQueueName, $"{dead.Reason.ErrorType}: {dead.Reason.Message}", dead.Error);
                break;

            case JobOutcome.Expired expired:
                await RecordAsync(job, run, JobStatus.Expired, default, null).ConfigureAwait(false);
                worker.Logger.JobExpired(run.Envelope!.Function, run.Envelope.JobId, expired.ExpiredAt);
                break;

            case JobOutcome.Interrupted:
                worker.Logger.JobInterrupted(NameOf(job), IdOf(job));
                await job.Delivery.SettleAsync(Settlement.Requeue, CancellationToken.None).ConfigureAwait(false);
                return true;

            default:
                throw new InvalidOperationException(run.Outcome.GetType().Name);
        }

        // Without a token: a settlement counts once, so one that was given up could not be made good. Brokers bound it.
        await job.Delivery.SettleAsync(Settlement.Ack, CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    /// <summary>The job again, in the format and with the properties it came with.</summary>
    private static BrokerMessage Encode(PreparedJob job, JobEnvelope envelope)
    {
        var (came, message) = (job.Delivery.Message, job.Format!.Encode(envelope));
        return message with { CorrelationId = came.CorrelationId ?? message.CorrelationId, ReplyTo = came.ReplyTo, AppId = came.AppId };
    }

    private static string NameOf(PreparedJob job) => job.Envelope?.Function ?? job.Delivery.Message.Type ?? "?";

    private static string IdOf(PreparedJob job) => job.Envelope?.JobId ?? job.Delivery.Message.MessageId ?? "?";

    /// <summary>Publishes a follow-up, declaring its queue again if that is what is missing; hands the job back when it cannot.</summary>
    private async ValueTask<bool> TryPublishAsync(PreparedJob job, PublishRequest request, CancellationToken giveUp)
    {
        if (!job.Delivery.IsLive)
        {
            // The broker hands the job out again already; a follow-up would be a second one.
            return false;
        }

        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await broker.Publisher.PublishAsync(request, giveUp).ConfigureAwait(false);
                return true;
            }
            catch (Exception exception) when (exception is BrokerException or OperationCanceledException or ObjectDisposedException)
            {
                if (attempt == FollowUpWaits.Length || giveUp.IsCancellationRequested || !job.Delivery.IsLive || exception is MessageTooLargeException)
                {
                    worker.Logger.FollowUpFailed(NameOf(job), IdOf(job), exception);
                    await job.Delivery.SettleAsync(Settlement.Requeue, CancellationToken.None).ConfigureAwait(false);
                    return false;
                }

                // A slot is held meanwhile, which is what keeps a job that cannot be settled from spinning.
                await Task.Delay(FollowUpWaits[attempt], time, giveUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (exception is UnroutableException or QueueNotFoundException)
                {
                    await DeclareAgainAsync(giveUp).ConfigureAwait(false);
                }
            }
        }
    }

    private async ValueTask DeclareAgainAsync(CancellationToken giveUp)
    {
        try
        {
            await broker.Topology.ApplyAsync(queue.ToPlan(), giveUp).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is BrokerException or OperationCanceledException or ObjectDisposedException)
        {
            // The publish is tried again all the same and tells the reason in its own error.
            worker.Logger.FollowUpFailed(queue.Name, "-", exception);
        }
    }

    private async ValueTask RecordAsync(PreparedJob job, JobRun run, JobStatus status, ReadOnlyMemory<byte> result, Exception? error)
    {
        if (store is null || run.Envelope is not { } envelope
            || !(envelope.StoreResult ?? run.Definition?.Options.StoreResult ?? true))
        {
            return;
        }

        var now = time.GetUtcNow();
        var record = new JobRecord
        {
            JobId = envelope.JobId,
            Status = status,
            Function = envelope.Function,
            QueueName = job.Delivery.QueueName,
            Attempt = envelope.Attempt,
            Result = result,
            Error = error is null ? null : $"{error.GetType().Name}: {error.Message}",
            Args = envelope.Arguments.Positional,
            Kwargs = envelope.Arguments.Named,
            WorkerId = worker.Id,
            CreatedAt = envelope.EnqueuedAt,
            StartedAt = run.StartedAt,
            EndedAt = now,
            ExpiresAt = now + resultTtl,
        };
        using var timeout = new CancellationTokenSource(RecordTimeout, time);
        try
        {
            await store.SaveAsync(record, timeout.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A store that is down must not stop jobs, whatever its driver throws.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            worker.Logger.RecordFailed(envelope.JobId, exception);
        }
    }
}

/// <summary>The worker, as dead letters, records and logs name it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Logger">Where it logs.</param>
internal sealed record SettlerIdentity(string Id, ILogger Logger)
{
    /// <summary>Told for when a retry was scheduled.</summary>
    public Action<DateTimeOffset>? Retried { get; init; }

    /// <summary>Told until when a job was sent away because of a limit.</summary>
    public Action<DateTimeOffset>? Snoozed { get; init; }
}
