using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using RabbitArq.Brokers;
using RabbitArq.Messages;
using RabbitArq.Routing;

namespace RabbitArq.Conformance.Processes;

/// <summary>What a test asks of a broker in another process; one JSON line each.</summary>
internal sealed record Call(long Id, Verb Verb)
{
    public PublishRequest? Request { get; init; }

    public TopologyPlan? Plan { get; init; }

    public ConsumerSpec? Spec { get; init; }

    public string? Name { get; init; }

    public long Consumer { get; init; }

    public long Delivery { get; init; }

    public Settlement Settlement { get; init; }
}

internal enum Verb
{
    Publish, Apply, DeleteQueue, DeleteExchange, Describe, Find, Purge, Consume, Settle, Cancel, EndConsumer,
}

/// <summary>What the other process says: the answer to a call, a delivery, or the end of a consumer.</summary>
internal sealed record Answer(AnswerKind Kind)
{
    /// <summary>The call, or the consumer.</summary>
    public long Id { get; init; }

    public Failure? Failure { get; init; }

    public BrokerCapabilities? Capabilities { get; init; }

    public BrokerInfo? Broker { get; init; }

    public QueueInfo? Queue { get; init; }

    public long Number { get; init; }

    public Parcel? Parcel { get; init; }
}

internal enum AnswerKind
{
    Opened, Done, Delivered, ConsumerEnded,
}

/// <summary>A delivery on its way to the other process.</summary>
internal sealed record Parcel(long Id, BrokerMessage Message, string QueueName, string Exchange, string RoutingKey, bool Redelivered, int DeliveryCount);

/// <summary>An exception on its way to the other process.</summary>
internal sealed record Failure(string Type, string Message, string? QueueName = null, bool MayHaveArrived = false)
{
    public static Failure Of(Exception exception) => new(
        exception.GetType().Name,
        exception.Message,
        (exception as QueueNotFoundException)?.QueueName,
        exception is PublishException { MayHaveArrived: true });

    public Exception ToException(PublishRequest? request) => Type switch
    {
        nameof(UnroutableException) => new UnroutableException(request!, Message),
        nameof(PublishRefusedException) => new PublishRefusedException(request!, Message),
        nameof(BrokerBlockedException) => new BrokerBlockedException(request!, Message, MayHaveArrived),
        nameof(MessageTooLargeException) => new MessageTooLargeException(request!, Message),
        nameof(PublishUnconfirmedException) => new PublishUnconfirmedException(request!, Message),
        nameof(QueueNotFoundException) => new QueueNotFoundException(QueueName!, Message),
        nameof(ArgumentOutOfRangeException) => new ArgumentOutOfRangeException(null, Message),
        nameof(ArgumentException) => new ArgumentException(Message),
        nameof(ObjectDisposedException) => new ObjectDisposedException(null, Message),
        _ => new BrokerException($"{Type}: {Message}"),
    };
}

/// <summary>JSON that keeps the type of every header value.</summary>
internal static class ProcessWire
{
    private static readonly JsonSerializerOptions Options = new() { Converters = { new TableConverter() } };

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options);

    public static T Read<T>(string line) =>
        JsonSerializer.Deserialize<T>(line, Options) ?? throw new JsonException($"An empty {typeof(T).Name}.");

    private sealed class TableConverter : JsonConverter<IReadOnlyDictionary<string, object?>>
    {
        public override IReadOnlyDictionary<string, object?> Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return TableOf(document.RootElement);
        }

        public override void Write(Utf8JsonWriter writer, IReadOnlyDictionary<string, object?> value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (var (name, item) in value)
            {
                writer.WritePropertyName(name);
                WriteValue(writer, item, options);
            }

            writer.WriteEndObject();
        }

        private static Dictionary<string, object?> TableOf(JsonElement element) =>
            element.EnumerateObject().ToDictionary(property => property.Name, property => ValueOf(property.Value));

        /// <summary>A value is an array of its type and itself; null is null.</summary>
        private static object? ValueOf(JsonElement element) => element.ValueKind == JsonValueKind.Null ? null : element[0].GetString() switch
        {
            "text" => element[1].GetString(),
            "bool" => element[1].GetBoolean(),
            "long" => element[1].GetInt64(),
            "double" => double.Parse(element[1].GetString()!, CultureInfo.InvariantCulture),
            "bytes" => element[1].GetBytesFromBase64(),
            "time" => element[1].GetDateTimeOffset(),
            "table" => TableOf(element[1]),
            "list" => element[1].EnumerateArray().Select(ValueOf).ToList(),
            var type => throw new JsonException($"A header of the type {type}."),
        };

        private void WriteValue(Utf8JsonWriter writer, object? value, JsonSerializerOptions options)
        {
            if (value is null)
            {
                writer.WriteNullValue();
                return;
            }

            writer.WriteStartArray();
            writer.WriteStringValue(value switch
            {
                string => "text",
                bool => "bool",
                long => "long",
                double => "double",
                byte[] => "bytes",
                DateTimeOffset => "time",
                IReadOnlyDictionary<string, object?> => "table",
                IReadOnlyList<object?> => "list",
                _ => throw new JsonException($"A header of the type {value.GetType()}."),
            });
            switch (value)
            {
                case string text: writer.WriteStringValue(text); break;
                case bool flag: writer.WriteBooleanValue(flag); break;
                case long number: writer.WriteNumberValue(number); break;
                case double number: writer.WriteStringValue(number.ToString("R", CultureInfo.InvariantCulture)); break;
                case byte[] bytes: writer.WriteBase64StringValue(bytes); break;
                case DateTimeOffset time: writer.WriteStringValue(time); break;
                case IReadOnlyDictionary<string, object?> table: Write(writer, table, options); break;
                case IReadOnlyList<object?> list:
                    writer.WriteStartArray();
                    foreach (var item in list)
                    {
                        WriteValue(writer, item, options);
                    }

                    writer.WriteEndArray();
                    break;
            }

            writer.WriteEndArray();
        }
    }
}
