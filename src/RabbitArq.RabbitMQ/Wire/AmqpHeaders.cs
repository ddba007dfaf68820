using System.Collections;
using System.Text;
using System.Text.Unicode;
using RabbitMQ.Client;

namespace RabbitArq.RabbitMQ.Wire;

/// <summary>Translates header tables between the port's values and the client's.</summary>
internal static class AmqpHeaders
{
    /// <summary>
    /// Headers that a broker writes about one trip of a message. Publishing them again would lie about the new trip, and
    /// RabbitMQ drops a message whose <c>x-death</c> looks like a dead-letter cycle; <c>CC</c> and <c>BCC</c> would send
    /// copies to whom the first publisher named.
    /// </summary>
    public static bool BelongsToTrip(string name) =>
        name.Length > 1 && (name[0] is 'x'
            ? name is "x-death" or "x-delivery-count" or "x-acquired-count" or Constants.PublishSequenceNumberHeader
                || name.StartsWith("x-first-death-", StringComparison.Ordinal)
                || name.StartsWith("x-last-death-", StringComparison.Ordinal)
            : name is "CC" or "BCC");

    /// <summary>A fresh table for a publish; null when there is nothing to send. The client may write into it.</summary>
    public static Dictionary<string, object?>? ForPublish(IReadOnlyDictionary<string, object?> headers)
    {
        if (headers.Count == 0)
        {
            return null;
        }

        var table = new Dictionary<string, object?>(headers.Count);
        foreach (var (name, value) in headers)
        {
            if (!BelongsToTrip(name))
            {
                table[name] = ToClient(value);
            }
        }

        return table;
    }

    /// <summary>The client's table as the port promises it.</summary>
    public static IReadOnlyDictionary<string, object?> FromDelivery(IDictionary<string, object?>? table)
    {
        if (table is null || table.Count == 0)
        {
            return BrokerMessage.NoHeaders;
        }

        var headers = new Dictionary<string, object?>(table.Count);
        foreach (var (name, value) in table)
        {
            if (name != Constants.PublishSequenceNumberHeader)
            {
                headers[name] = FromClient(value);
            }
        }

        return headers;
    }

    private static object? ToClient(object? value) => value switch
    {
        null or string or bool or long or double => value,
        byte[] bytes => new BinaryTableValue(bytes),
        ReadOnlyMemory<byte> bytes => new BinaryTableValue(bytes.ToArray()),
        DateTimeOffset instant => new AmqpTimestamp(instant.ToUnixTimeSeconds()),
        IReadOnlyDictionary<string, object?> table => table.ToDictionary(pair => pair.Key, pair => ToClient(pair.Value)),
        sbyte or byte or short or ushort or int or uint => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture),
        float number => (double)number,
        IEnumerable list => list.Cast<object?>().Select(ToClient).ToList(),
        _ => value,
    };

    private static object? FromClient(object? value) => value switch
    {
        null or bool or long or double or string => value,
        // AMQP's long string is bytes without an encoding; nearly every client means UTF-8 text.
        byte[] bytes => Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : bytes,
        BinaryTableValue binary => binary.Bytes,
        AmqpTimestamp timestamp => FromTimestamp(timestamp),
        sbyte or byte or short or ushort or int or uint => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture),
        ulong number => number <= long.MaxValue ? (long)number : (double)number,
        float number => (double)number,
        decimal number => (double)number,
        IDictionary<string, object?> table => table.ToDictionary(pair => pair.Key, pair => FromClient(pair.Value)),
        IEnumerable list => list.Cast<object?>().Select(FromClient).ToList(),
        _ => value,
    };

    /// <summary>Some publishers write milliseconds; what is outside of .NET's years cannot be seconds.</summary>
    internal static DateTimeOffset? FromTimestamp(AmqpTimestamp timestamp) => timestamp.UnixTime switch
    {
        >= -62_135_596_800 and <= 253_402_300_799 => DateTimeOffset.FromUnixTimeSeconds(timestamp.UnixTime),
        > 253_402_300_799 and <= 253_402_300_799_999 => DateTimeOffset.FromUnixTimeMilliseconds(timestamp.UnixTime),
        _ => null,
    };
}
