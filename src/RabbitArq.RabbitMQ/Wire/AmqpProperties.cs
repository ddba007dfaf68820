using System.Globalization;
using RabbitArq.RabbitMQ.Delays;
using RabbitMQ.Client;

namespace RabbitArq.RabbitMQ.Wire;

/// <summary>Translates a message between the port and the client.</summary>
internal static class AmqpProperties
{
    private static readonly string Zero = "0";

    public static BasicProperties ForPublish(BrokerMessage message)
    {
        var properties = new BasicProperties
        {
            Persistent = message.Persistent,
            Headers = AmqpHeaders.ForPublish(message.Headers),
        };
        // An unset property costs nothing on the wire; the client asks for values that are not null.
        if (message.MessageId is not null)
        {
            properties.MessageId = message.MessageId;
        }

        if (message.Type is not null)
        {
            properties.Type = message.Type;
        }

        if (message.ContentType is not null)
        {
            properties.ContentType = message.ContentType;
        }

        if (message.ContentEncoding is not null)
        {
            properties.ContentEncoding = message.ContentEncoding;
        }

        if (message.CorrelationId is not null)
        {
            properties.CorrelationId = message.CorrelationId;
        }

        if (message.ReplyTo is not null)
        {
            properties.ReplyTo = message.ReplyTo;
        }

        if (message.AppId is not null)
        {
            properties.AppId = message.AppId;
        }

        if (message.Priority is { } priority)
        {
            properties.Priority = priority;
        }

        if (message.Timestamp is { } timestamp)
        {
            properties.Timestamp = new AmqpTimestamp(timestamp.ToUnixTimeSeconds());
        }

        if (message.Expiration is { } expiration)
        {
            properties.Expiration = expiration <= TimeSpan.Zero
                ? Zero
                : ((long)Math.Ceiling(expiration.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture);
        }

        return properties;
    }

    /// <summary>Copies the body: the client's buffer goes back to its pool when the delivery handler returns.</summary>
    public static BrokerMessage FromDelivery(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body) => new()
    {
        Body = body.ToArray(),
        MessageId = properties.MessageId,
        Type = properties.Type,
        ContentType = properties.ContentType,
        ContentEncoding = properties.ContentEncoding,
        CorrelationId = properties.CorrelationId,
        ReplyTo = properties.ReplyTo,
        AppId = properties.AppId,
        Priority = properties.IsPriorityPresent() ? properties.Priority : null,
        Timestamp = properties.IsTimestampPresent() ? AmqpHeaders.FromTimestamp(properties.Timestamp) : null,
        Expiration = long.TryParse(properties.Expiration, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds <= TimeSpan.MaxValue.TotalMilliseconds - 1
            ? TimeSpan.FromMilliseconds(milliseconds)
            : null,
        Persistent = properties.DeliveryMode == DeliveryModes.Persistent,
        Headers = LadderTraces.Remove(AmqpHeaders.FromDelivery(properties.Headers)),
    };
}
