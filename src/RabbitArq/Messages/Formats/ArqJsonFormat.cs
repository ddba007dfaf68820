using System.Globalization;
using System.Text.Json;

namespace RabbitArq.Messages.Formats;

/// <summary>
/// The JSON body of rabbitmq-arq (Python) 0.1 and 0.2, and our own default. Times are written in UTC with <c>Z</c>, or,
/// for a queue shared with upstream's own workers and clients, as naive local times, which is what upstream reads.
/// A time without zone is read as local time.
/// </summary>
/// <param name="naiveLocalTimes">Whether times are written as upstream does: local, without a zone.</param>
/// <param name="localZone">The zone of naive times; null: the system's.</param>
internal sealed class ArqJsonFormat(bool naiveLocalTimes = false, TimeZoneInfo? localZone = null) : IWireFormat
{
    public const string RetryCountHeader = "x-retry-count";

    private readonly TimeZoneInfo _zone = localZone ?? TimeZoneInfo.Local;

    public string Name => naiveLocalTimes ? "python" : "arq";

    public bool Recognises(BrokerMessage message) =>
        message.ContentType is null or "application/json" or "text/json" || message.ContentType.StartsWith("application/json;", StringComparison.Ordinal);

    public JobEnvelope Decode(BrokerMessage message)
    {
        try
        {
            return new ArqJsonReader(message, _zone).Read();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or ArithmeticException or ArgumentException)
        {
            throw new UnreadableMessageException(exception.Message, exception);
        }
    }

    public BrokerMessage Encode(JobEnvelope envelope)
    {
        using var scratch = JsonScratch.Take();
        WriteBody(scratch.Writer, envelope);
        _ = scratch.EndValue();

        var headers = new Dictionary<string, object?>(envelope.Headers.Count + 1, StringComparer.Ordinal);
        foreach (var (name, value) in envelope.Headers)
        {
            headers[name] = value;
        }

        headers[RetryCountHeader] = (long)(envelope.Attempt - 1);
        return new BrokerMessage
        {
            Body = scratch.ToArray(),
            MessageId = envelope.JobId,
            CorrelationId = envelope.JobId,
            Type = envelope.Function,
            ContentType = "application/json",
            ContentEncoding = "utf-8",
            Timestamp = envelope.EnqueuedAt,
            Priority = envelope.Priority,
            Headers = headers,
        };
    }

    private void WriteBody(Utf8JsonWriter writer, JobEnvelope envelope)
    {
        writer.WriteStartObject();
        writer.WriteString("job_id"u8, envelope.JobId);
        writer.WriteString("function"u8, envelope.Function);
        writer.WritePropertyName("args"u8);
        writer.WriteRawValue(envelope.Arguments.Positional.Span, skipInputValidation: true);
        writer.WritePropertyName("kwargs"u8);
        writer.WriteRawValue(envelope.Arguments.Named.Span, skipInputValidation: true);
        writer.WriteNumber("job_try"u8, envelope.Attempt);
        WriteTime(writer, "enqueue_time"u8, envelope.EnqueuedAt);
        writer.WriteNull("start_time"u8);
        writer.WriteNull("end_time"u8);
        writer.WriteString("status"u8, "queued"u8);
        writer.WriteNull("result"u8);
        writer.WriteNull("error"u8);
        writer.WriteString("queue_name"u8, envelope.QueueName);
        WriteTime(writer, "defer_until"u8, envelope.DueAt);
        WriteTime(writer, "expires"u8, envelope.ExpiresAt);
        WriteOwnFields(writer, envelope);
        foreach (var (name, json) in envelope.UnknownFields)
        {
            writer.WritePropertyName(name);
            writer.WriteRawValue(json.Span, skipInputValidation: true);
        }

        writer.WriteEndObject();
    }

    private static void WriteOwnFields(Utf8JsonWriter writer, JobEnvelope envelope)
    {
        if (envelope.ParentId is not null)
        {
            writer.WriteString("parent_id"u8, envelope.ParentId);
        }

        if (envelope.RootId is not null)
        {
            writer.WriteString("root_id"u8, envelope.RootId);
        }

        if (envelope.MaxRetries is { } maxRetries)
        {
            writer.WriteNumber("max_retries"u8, maxRetries);
        }

        if (envelope.Timeout is { } timeout)
        {
            writer.WriteNumber("timeout"u8, timeout.TotalSeconds);
        }

        if (envelope.StoreResult is { } storeResult)
        {
            writer.WriteBoolean("store_result"u8, storeResult);
        }
    }

    private void WriteTime(Utf8JsonWriter writer, ReadOnlySpan<byte> name, DateTimeOffset? time)
    {
        if (time is not { } instant)
        {
            writer.WriteNull(name);
            return;
        }

        // Microseconds, as Python has them: a time that went through upstream comes back equal. The round-trip format, which
        // is written several times faster than one of our own, has one digit more; behind it comes the zone, if any.
        Span<byte> text = stackalloc byte[32];
        var moment = naiveLocalTimes ? TimeZoneInfo.ConvertTime(instant, _zone).DateTime : instant.UtcDateTime;
        var ok = moment.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        System.Diagnostics.Debug.Assert(ok, "32 bytes hold any time");
        var length = "yyyy-MM-ddTHH:mm:ss.ffffff".Length;
        if (!naiveLocalTimes)
        {
            text[length++] = (byte)'Z';
        }

        writer.WriteString(name, text[..length]);
    }
}
