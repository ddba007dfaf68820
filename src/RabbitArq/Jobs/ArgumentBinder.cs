using System.Text.Json;
using RabbitArq.Localization;
using RabbitArq.Messages;

namespace RabbitArq.Jobs;

/// <summary>Binds JSON arguments to a method's parameters; every mistake names the parameter and the value's type.</summary>
internal static class ArgumentBinder
{
    public static object?[] Bind(JobDefinition job, int argumentCount, JobArguments arguments)
    {
        var values = new object?[job.Parameters.Length];
        Span<bool> bound = stackalloc bool[job.Parameters.Length];
        var given = BindPositional(job, argumentCount, arguments.Positional.Span, values, bound);
        if (given > argumentCount)
        {
            throw new ArgumentBindingException(job.Name, null, Texts.ArgumentTooMany(given, argumentCount, NamesOf(job)));
        }

        BindNamed(job, arguments.Named.Span, values, bound);
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = job.Parameters[i];
            if (parameter.Kind == JobParameterKind.Argument && !bound[i])
            {
                values[i] = parameter.HasDefault
                    ? parameter.Default
                    : throw new ArgumentBindingException(job.Name, parameter.Name, Texts.ArgumentMissing(parameter.Name, TypeName(parameter.Type)));
            }
        }

        return values;
    }

    private static int BindPositional(JobDefinition job, int argumentCount, ReadOnlySpan<byte> json, object?[] values, Span<bool> bound)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var given = 0;
        var place = -1;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (given++ >= argumentCount)
            {
                reader.Skip();
                continue;
            }

            do
            {
                place++;
            }
            while (job.Parameters[place].Kind != JobParameterKind.Argument);
            values[place] = Read(job, job.Parameters[place], ref reader);
            bound[place] = true;
        }

        return given;
    }

    private static void BindNamed(JobDefinition job, ReadOnlySpan<byte> json, object?[] values, Span<bool> bound)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = ReadName(job, ref reader);
            var place = Array.FindIndex(job.Parameters, p => p.Kind == JobParameterKind.Argument && IsNamed(p, name));
            if (place < 0)
            {
                throw new ArgumentBindingException(job.Name, name, Texts.ArgumentUnknownName(name, NamesOf(job)));
            }

            if (bound[place])
            {
                throw new ArgumentBindingException(job.Name, name, Texts.ArgumentTwice(name));
            }

            reader.Read();
            values[place] = Read(job, job.Parameters[place], ref reader);
            bound[place] = true;
        }
    }

    private static string ReadName(JobDefinition job, ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            // Bytes that are no UTF-8, or half of a surrogate pair.
            throw new ArgumentBindingException(job.Name, null, exception.Message, exception);
        }
    }

    /// <summary>A Python sender writes <c>file_name</c> for our <c>fileName</c>: both spellings name one parameter.</summary>
    private static bool IsNamed(JobParameter parameter, string name) =>
        string.Equals(parameter.Name, name, StringComparison.OrdinalIgnoreCase)
        || string.Equals(JobNames.FromMethod(parameter.Name), name, StringComparison.Ordinal);

    private static object? Read(JobDefinition job, JobParameter parameter, ref Utf8JsonReader reader)
    {
        var kind = reader.TokenType;
        if (kind == JsonTokenType.Null && !parameter.AllowsNull)
        {
            throw new ArgumentBindingException(job.Name, parameter.Name,
                Texts.ArgumentWrongType(parameter.Name, TypeName(parameter.Type), "null", Texts.ArgumentNotNullable()));
        }

        try
        {
            return JsonSerializer.Deserialize(ref reader, parameter.Json!);
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException or FormatException or InvalidOperationException or ArgumentException)
        {
            throw new ArgumentBindingException(job.Name, parameter.Name,
                Texts.ArgumentWrongType(parameter.Name, TypeName(parameter.Type), JobJson.NameOf(kind), exception.Message), exception);
        }
    }

    private static string NamesOf(JobDefinition job) =>
        string.Join(", ", job.Parameters.Where(p => p.Kind == JobParameterKind.Argument).Select(p => p.Name));

    private static string TypeName(Type type) => Nullable.GetUnderlyingType(type) is { } inner ? inner.Name + "?" : type.Name;
}
