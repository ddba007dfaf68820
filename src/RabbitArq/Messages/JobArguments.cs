using System.Globalization;
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
        using var scratch = JsonScratch.Take();
        var writer = scratch.Writer;
        var positionalLength = 0;
        if (positional is { Count: > 0 })
        {
            writer.WriteStartArray();
            for (var i = 0; i < positional.Count; i++)
            {
                Write(writer, positional[i], i, null, options);
            }

            writer.WriteEndArray();
            positionalLength = scratch.EndValue();
        }

        if (named is { Count: > 0 })
        {
            writer.WriteStartObject();
            foreach (var (name, value) in named)
            {
                writer.WritePropertyName(name);
                Write(writer, value, -1, name, options);
            }

            writer.WriteEndObject();
            _ = scratch.EndValue();
        }

        var bytes = scratch.ToArray();
        return new JobArguments(
            positionalLength > 0 ? bytes.AsMemory(0, positionalLength) : EmptyArray,
            positionalLength < bytes.Length ? bytes.AsMemory(positionalLength) : EmptyObject);
    }

    private static void Write(Utf8JsonWriter writer, object? value, int place, string? name, JsonSerializerOptions options)
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
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException or JsonException or ArgumentException)
        {
            throw new ArgumentNotSerializableException(name ?? place.ToString(CultureInfo.InvariantCulture), value.GetType(), exception);
        }
    }
}
