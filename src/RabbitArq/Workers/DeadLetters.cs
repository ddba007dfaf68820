using System.Globalization;
using RabbitArq.Execution;
using RabbitArq.Messages;
using RabbitArq.Retries;

namespace RabbitArq.Workers;

/// <summary>What a dead letter looks like: the message as it came, and headers that say why it is dead.</summary>
internal static class DeadLetters
{
    public const string ErrorType = "x-error-type";
    public const string ErrorMessage = "x-error-message";
    public const string ErrorCategory = "x-error-category";
    public const string ErrorCause = "x-error-cause";
    public const string ErrorStack = "x-error-stack";
    public const string FailedAt = "x-failed-at";
    public const string JobId = "x-job-id";
    public const string Attempts = "x-attempts";
    public const string WorkerId = "x-worker-id";
    public const string FirstQueue = "x-first-queue";

    public static BrokerMessage Make(PreparedJob job, DeadLetterReason reason, string workerId, DateTimeOffset now)
    {
        var message = job.Delivery.Message;
        var headers = new Dictionary<string, object?>(message.Headers.Count + 10, StringComparer.Ordinal);
        foreach (var (name, value) in message.Headers)
        {
            // A dead letter that was sent back and died again tells of its last death.
            if (!BrokerHeaders.IsBrokerOwned(name) && name is not (ErrorCause or ErrorStack))
            {
                headers[name] = value;
            }
        }

        headers[ErrorType] = reason.ErrorType;
        headers[ErrorMessage] = reason.Message;
        headers[ErrorCategory] = reason.Category == FailureCategory.Retriable ? "retriable" : "non_retriable";
        headers[FailedAt] = now.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
        headers[WorkerId] = workerId;
        headers[Attempts] = (long)(job.Envelope?.Attempt ?? 1);
        headers.TryAdd(FirstQueue, job.Delivery.QueueName);
        Set(headers, JobId, job.Envelope?.JobId ?? message.MessageId);
        Set(headers, ErrorCause, reason.CauseType);
        Set(headers, ErrorStack, reason.Stack);
        return message with { Headers = headers, Expiration = null, Persistent = true };
    }

    private static void Set(Dictionary<string, object?> headers, string name, string? value)
    {
        if (value is not null)
        {
            headers[name] = value;
        }
    }
}
