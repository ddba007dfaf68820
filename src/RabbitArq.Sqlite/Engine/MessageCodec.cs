using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RabbitArq.Messages;
using RabbitArq.Sqlite.Localization;

namespace RabbitArq.Sqlite.Engine;

/// <summary>
/// A message's properties, with where it was published to, as one JSON text: readable in any SQLite shell
/// (<c>json_extract(properties, '$.id')</c>). Absent properties are not written.
/// </summary>
/// <remarks>
/// In <c>headers</c> text, booleans, whole numbers, lists and null are JSON's own. The other types are an object with one
/// member that names the type: <c>{"double":"1.5"}</c>, <c>{"bytes":"base64"}</c>, <c>{"time":unix seconds}</c>,
/// <c>{"table":{…}}</c>. Instants are whole seconds as in AMQP.
/// </remarks>
internal static class MessageCodec
{
    private static readonly JsonWriterOptions Writing = new()
    {
        SkipValidation = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    /// <summary>What is stored beside the body.</summary>
    /// <param name="message">The message.</param>
    /// <param name="exchange">Where it was published to.</param>
    /// <param name="routingKey">The key it was published with.</param>
    /// <param name="deaths">The queues it was dead-lettered from by the broker itself since its last rejection.</param>
    /// <exception cref="NotSupportedException">A header's value has a type that AMQP does not carry.</exception>
    public static byte[] Encode(BrokerMessage message, string exchange, string routingKey, IReadOnlyList<string>? deaths = null)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(512);
        var json = _writer ??= new Utf8JsonWriter(buffer, Writing);
        buffer.ResetWrittenCount();
        json.Reset(buffer);
        json.WriteStartObject();
        WriteText(json, "exchange"u8, exchange.Length == 0 ? null : exchange);
        WriteText(json, "key"u8, routingKey);
        WriteText(json, "id"u8, message.MessageId);
        WriteText(json, "type"u8, message.Type);
        WriteText(json, "contentType"u8, message.ContentType);
        WriteText(json, "contentEncoding"u8, message.ContentEncoding);
        WriteText(json, "correlationId"u8, message.CorrelationId);
        WriteText(json, "replyTo"u8, message.ReplyTo);
        WriteText(json, "appId"u8, message.AppId);
        WriteNumber(json, "priority"u8, message.Priority);
        WriteNumber(json, "timestamp"u8, message.Timestamp?.ToUnixTimeSeconds());
        WriteNumber(json, "expiration"u8, message.Expiration is { } wait ? (long)wait.TotalMilliseconds : null);
        if (!message.Persistent)
        {
            json.WriteBoolean("transient"u8, true);
        }

        if (message.Headers.Count > 0)
        {
            json.WritePropertyName("headers"u8);
            WriteTable(json, message.Headers);
        }

        if (deaths is { Count: > 0 })
        {
            json.WriteStartArray("deaths"u8);
            foreach (var queue in deaths)
            {
                json.WriteStringValue(queue);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    private static void WriteTable(Utf8JsonWriter json, IReadOnlyDictionary<string, object?> table)
    {
        json.WriteStartObject();
        foreach (var (name, value) in table)
        {
            json.WritePropertyName(name);
            WriteValue(json, name, value);
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case string text: json.WriteStringValue(text); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case long or int or short or sbyte or byte or ushort or uint:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double or float:
                WriteTagged(json, "double"u8, Convert.ToDouble(value, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture));
                break;
            case byte[] bytes:
                json.WriteStartObject();
                json.WriteBase64String("bytes"u8, bytes);
                json.WriteEndObject();
                break;
            case DateTimeOffset time:
                json.WriteStartObject();
                json.WriteNumber("time"u8, time.ToUnixTimeSeconds());
                json.WriteEndObject();
                break;
            case IReadOnlyDictionary<string, object?> table:
                json.WriteStartObject();
                json.WritePropertyName("table"u8);
                WriteTable(json, table);
                json.WriteEndObject();
                break;
            case IReadOnlyList<object?> list:
                json.WriteStartArray();
                foreach (var item in list)
                {
                    WriteValue(json, name, item);
                }

                json.WriteEndArray();
                break;
            default:
                // The buffer of this thread is left half written; the next call starts it anew.
                throw new NotSupportedException(Texts.HeaderTypeUnknown(name, value.GetType().Name));
        }
    }

    private static void WriteTagged(Utf8JsonWriter json, ReadOnlySpan<byte> tag, string value)
    {
        json.WriteStartObject();
        json.WriteString(tag, value);
        json.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Encode"/> wrote. Members that it does not know are passed over.</summary>
    public static StoredProperties Decode(ReadOnlySpan<byte> utf8)
    {
        var json = new Utf8JsonReader(utf8);
        var stored = new StoredProperties();
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            ReadMember(ref json, stored);
        }

        return stored;
    }

    private static void ReadMember(ref Utf8JsonReader json, StoredProperties stored)
    {
        if (json.ValueTextEquals("key"u8)) { stored.RoutingKey = ReadText(ref json); }
        else if (json.ValueTextEquals("id"u8)) { stored.MessageId = ReadText(ref json); }
        else if (json.ValueTextEquals("type"u8)) { stored.Type = ReadText(ref json); }
        else if (json.ValueTextEquals("contentType"u8)) { stored.ContentType = ReadShared(ref json, "application/json"u8, "application/json"); }
        else if (json.ValueTextEquals("contentEncoding"u8)) { stored.ContentEncoding = ReadShared(ref json, "utf-8"u8, "utf-8"); }
        else if (json.ValueTextEquals("headers"u8)) { json.Read(); stored.Headers = ReadTable(ref json); }
        else if (json.ValueTextEquals("exchange"u8)) { stored.Exchange = ReadText(ref json); }
        else if (json.ValueTextEquals("correlationId"u8)) { stored.CorrelationId = ReadText(ref json); }
        else if (json.ValueTextEquals("replyTo"u8)) { stored.ReplyTo = ReadText(ref json); }
        else if (json.ValueTextEquals("appId"u8)) { stored.AppId = ReadText(ref json); }
        else if (json.ValueTextEquals("priority"u8)) { stored.Priority = (byte)ReadNumber(ref json); }
        else if (json.ValueTextEquals("timestamp"u8)) { stored.Timestamp = DateTimeOffset.FromUnixTimeSeconds(ReadNumber(ref json)); }
        else if (json.ValueTextEquals("expiration"u8)) { stored.Expiration = TimeSpan.FromMilliseconds(ReadNumber(ref json)); }
        else if (json.ValueTextEquals("transient"u8)) { json.Read(); stored.Persistent = !json.GetBoolean(); }
        else if (json.ValueTextEquals("deaths"u8)) { json.Read(); stored.Deaths = [.. ReadList(ref json).OfType<string>()]; }
        else { json.Read(); json.Skip(); }
    }

    private static string ReadText(ref Utf8JsonReader json)
    {
        json.Read();
        return json.GetString()!;
    }

    /// <summary>A text that is nearly always the same one is not made anew for each message.</summary>
    private static string ReadShared(ref Utf8JsonReader json, ReadOnlySpan<byte> usualUtf8, string usual)
    {
        json.Read();
        return json.ValueTextEquals(usualUtf8) ? usual : json.GetString()!;
    }

    private static long ReadNumber(ref Utf8JsonReader json)
    {
        json.Read();
        return json.GetInt64();
    }

    private static Dictionary<string, object?> ReadTable(ref Utf8JsonReader json)
    {
        var table = new Dictionary<string, object?>(StringComparer.Ordinal);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString()!;
            json.Read();
            table[name] = ReadValue(ref json);
        }

        return table;
    }

    private static List<object?> ReadList(ref Utf8JsonReader json)
    {
        var list = new List<object?>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            list.Add(ReadValue(ref json));
        }

        return list;
    }

    private static object? ReadValue(ref Utf8JsonReader json) => json.TokenType switch
    {
        JsonTokenType.String => json.GetString(),
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        JsonTokenType.Number => json.GetInt64(),
        JsonTokenType.StartArray => ReadList(ref json),
        JsonTokenType.StartObject => ReadTagged(ref json),
        _ => null,
    };

    private static object? ReadTagged(ref Utf8JsonReader json)
    {
        json.Read();
        var tag = json.GetString();
        json.Read();
        object? value = tag switch
        {
            "double" => double.Parse(json.GetString()!, NumberStyles.Float, CultureInfo.InvariantCulture),
            "bytes" => json.GetBytesFromBase64(),
            "time" => DateTimeOffset.FromUnixTimeSeconds(json.GetInt64()),
            "table" => ReadTable(ref json),
            _ => throw new JsonException(tag),
        };
        json.Read();
        return value;
    }

    /// <summary>Headers alone, for the arguments of a binding. Sorted, so that equal arguments are equal texts.</summary>
    public static string EncodeTable(IReadOnlyDictionary<string, object?> table)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Writing))
        {
            WriteTable(json, new SortedDictionary<string, object?>(table.ToDictionary(), StringComparer.Ordinal));
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Reads what <see cref="EncodeTable"/> wrote.</summary>
    public static IReadOnlyDictionary<string, object?> DecodeTable(ReadOnlySpan<byte> utf8)
    {
        var json = new Utf8JsonReader(utf8);
        json.Read();
        return ReadTable(ref json);
    }
}

/// <summary>Properties as read from the store.</summary>
internal sealed class StoredProperties
{
    public string Exchange { get; set; } = "";

    public string RoutingKey { get; set; } = "";

    public string? MessageId { get; set; }

    public string? Type { get; set; }

    public string? ContentType { get; set; }

    public string? ContentEncoding { get; set; }

    public string? CorrelationId { get; set; }

    public string? ReplyTo { get; set; }

    public string? AppId { get; set; }

    public byte? Priority { get; set; }

    public DateTimeOffset? Timestamp { get; set; }

    public TimeSpan? Expiration { get; set; }

    public bool Persistent { get; set; } = true;

    public IReadOnlyDictionary<string, object?> Headers { get; set; } = BrokerMessage.NoHeaders;

    public IReadOnlyList<string> Deaths { get; set; } = [];

    public BrokerMessage ToMessage(byte[] body) => new()
    {
        Body = body,
        MessageId = MessageId,
        Type = Type,
        ContentType = ContentType,
        ContentEncoding = ContentEncoding,
        CorrelationId = CorrelationId,
        ReplyTo = ReplyTo,
        AppId = AppId,
        Priority = Priority,
        Timestamp = Timestamp,
        Expiration = Expiration,
        Persistent = Persistent,
        Headers = Headers,
    };
}
