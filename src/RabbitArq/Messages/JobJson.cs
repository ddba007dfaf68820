using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace RabbitArq.Messages;

/// <summary>How arguments and results become JSON.</summary>
public static class JobJson
{
    /// <summary>
    /// The default options: names of members as they are, read without regard to case; texts unescaped (UTF-8). Types that
    /// are not simple are found by reflection where the application allows it; with reflection off, give
    /// <see cref="With"/> a source-generated context.
    /// </summary>
    public static JsonSerializerOptions Default { get; } = Build(null);

    internal static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>The default options with a source-generated context (or any resolver) asked first.</summary>
    /// <param name="resolver">For example <c>MyJsonContext.Default</c>.</param>
    /// <returns>Options to set on the client and the worker.</returns>
    public static JsonSerializerOptions With(IJsonTypeInfoResolver resolver) => Build(resolver);

    /// <summary>What a JSON token begins, in JSON's own words.</summary>
    internal static string NameOf(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "object",
        JsonTokenType.StartArray => "array",
        JsonTokenType.String => "string",
        JsonTokenType.Number => "number",
        JsonTokenType.True or JsonTokenType.False => "boolean",
        _ => "null",
    };

    private static JsonSerializerOptions Build(IJsonTypeInfoResolver? first)
    {
        var options = new JsonSerializerOptions
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            PropertyNameCaseInsensitive = true,
        };
        if (first is not null)
        {
            options.TypeInfoResolverChain.Add(first);
        }

        options.TypeInfoResolverChain.Add(SimpleTypesContext.Default);
        if (JsonSerializer.IsReflectionEnabledByDefault)
        {
            options.TypeInfoResolverChain.Add(ByReflection());
        }

        options.MakeReadOnly();
        return options;
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Only reached where reflection-based JSON is switched on; then trimming is the application's choice.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Only reached where reflection-based JSON is switched on.")]
    private static DefaultJsonTypeInfoResolver ByReflection() => new();
}

/// <summary>The types that every job may use without a context of its own.</summary>
[JsonSerializable(typeof(object))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(byte))]
[JsonSerializable(typeof(short))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(uint))]
[JsonSerializable(typeof(ulong))]
[JsonSerializable(typeof(float))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(decimal))]
[JsonSerializable(typeof(char))]
[JsonSerializable(typeof(Guid))]
[JsonSerializable(typeof(DateTime))]
[JsonSerializable(typeof(DateTimeOffset))]
[JsonSerializable(typeof(DateOnly))]
[JsonSerializable(typeof(TimeOnly))]
[JsonSerializable(typeof(TimeSpan))]
[JsonSerializable(typeof(Uri))]
[JsonSerializable(typeof(byte[]))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(int[]))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(System.Text.Json.Nodes.JsonNode))]
[JsonSerializable(typeof(System.Text.Json.Nodes.JsonObject))]
[JsonSerializable(typeof(System.Text.Json.Nodes.JsonArray))]
[JsonSerializable(typeof(Dictionary<string, object?>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(List<object?>))]
[JsonSerializable(typeof(object[]))]
[JsonSerializable(typeof(int?))]
[JsonSerializable(typeof(long?))]
[JsonSerializable(typeof(bool?))]
[JsonSerializable(typeof(double?))]
[JsonSerializable(typeof(DateTimeOffset?))]
[JsonSerializable(typeof(Guid?))]
internal sealed partial class SimpleTypesContext : JsonSerializerContext;
