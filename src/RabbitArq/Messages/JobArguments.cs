using System.Buffers;
using System.Text.Json;

namespace RabbitArq.Messages;

/// <summary>A job's arguments as UTF-8 JSON, bound to the method's parameters only when the job runs.</summary>
/// <param name="Positional">A JSON array.</param>
/// <param name="Named">A JSON object.</param>
internal sealed record JobArguments(ReadOnlyMemory<byte> Positional, ReadOnlyMemory<byte> Named)
{
    private static readonly byte[] EmptyArray = "[]"u8.ToArray();
    private static readonly byte[] EmptyObject = "{}"u8.ToArray();

    /// <summary>No arguments.</summary>
    public static JobArguments None { get; } = new(EmptyArray, EmptyObject);

    /// <summary>Writes values as JSON.</summary>
    /// <param name="positional">Values in the order of the parameters.</param>
    /// <param name="named">Values by parameter name.</param>
    /// <param name="json">How to write each type; null: the default options.</param>
    /// <returns>The arguments.</returns>
    /// <exception cref="ArgumentNotSerializableException">A value's type cannot be written as JSON.</exception>
    public static JobArguments From(
        IReadOnlyList<object?>? positional, IReadOnlyDictionary<string, object?>? named = null, JsonSerializerOptions? json = null)
    {
        if (positional is not { Count: > 0 } && named is not { Count: > 0 })
        {
            return None;
        }

        var options = json ?? JobJson.Default;
        var buffer = new ArrayBufferWriter<byte>(128);
        using var writer = new Utf8JsonWriter(buffer, JobJson.WriterOptions);
        var positionalLength = 2;
        if (positional is { Count: > 0 })
        {
            writer.WriteStartArray();
            for (var i = 0; i < positional.Count; i++)
            {
                Write(writer, positional[i], i.ToString(System.Globalization.CultureInfo.InvariantCulture), options);
            }

            writer.WriteEndArray();
            writer.Flush();
            positionalLength = buffer.WrittenCount;
            writer.Reset();
        }
        else
        {
            buffer.Write(EmptyArray);
        }

        if (named is not { Count: > 0 })
        {
            return new JobArguments(buffer.WrittenMemory[..positionalLength], EmptyObject);
        }

        writer.WriteStartObject();
        foreach (var (name, value) in named)
        {
            writer.WritePropertyName(name);
            Write(writer, value, name, options);
        }

        writer.WriteEndObject();
        writer.Flush();
        return new JobArguments(buffer.WrittenMemory[..positionalLength], buffer.WrittenMemory[positionalLength..]);
    }

    private static void Write(Utf8JsonWriter writer, object? value, string name, JsonSerializerOptions options)
    {
        if (value is null)
        {
            writer.WriteNullValue();
            return;
        }

        try
        {
            JsonSerializer.Serialize(writer, value, options.GetTypeInfo(value.GetType()));
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException or JsonException)
        {
            throw new ArgumentNotSerializableException(name, value.GetType(), exception);
        }
    }
}
