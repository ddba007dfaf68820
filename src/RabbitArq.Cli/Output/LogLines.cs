using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Serilog.Events;
using Serilog.Formatting;

namespace RabbitArq.Cli.Output;

/// <summary>A log event for people: time, level, event id, message.</summary>
internal sealed class TextLine(bool withStackTraces, bool withDate = false) : ITextFormatter
{
    public void Format(LogEvent logEvent, TextWriter output)
    {
        output.Write(logEvent.Timestamp.ToString(withDate ? "yyyy-MM-dd HH:mm:ss.fff zzz" : "HH:mm:ss.fff", CultureInfo.InvariantCulture));
        output.Write(logEvent.Level switch
        {
            LogEventLevel.Verbose => " TRC ",
            LogEventLevel.Debug => " DBG ",
            LogEventLevel.Information => " INF ",
            LogEventLevel.Warning => " WRN ",
            LogEventLevel.Error => " ERR ",
            _ => " FTL ",
        });
        if (EventIdOf(logEvent) is { } id)
        {
            output.Write($"[{id}] ");
        }

        output.Write(MessageOf(logEvent));
        output.Write('\n');
        if (withStackTraces && logEvent.Exception is { } exception)
        {
            output.Write(exception.ToString());
            output.Write('\n');
        }
    }

    /// <summary>The message with texts unquoted.</summary>
    internal static string MessageOf(LogEvent logEvent)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        foreach (var token in logEvent.MessageTemplate.Tokens)
        {
            if (token is Serilog.Parsing.PropertyToken property
                && logEvent.Properties.TryGetValue(property.PropertyName, out var value)
                && value is ScalarValue { Value: string plain })
            {
                text.Write(plain);
            }
            else
            {
                token.Render(logEvent.Properties, text, CultureInfo.InvariantCulture);
            }
        }

        return text.ToString();
    }

    internal static string? EventIdOf(LogEvent logEvent) => Part(logEvent, "Id");

    internal static string? EventNameOf(LogEvent logEvent) => Part(logEvent, "Name");

    private static string? Part(LogEvent logEvent, string part) =>
        logEvent.Properties.TryGetValue("EventId", out var id) && id is StructureValue structure
            ? structure.Properties.FirstOrDefault(p => p.Name == part)?.Value is ScalarValue { Value: { } value } ? Convert.ToString(value, CultureInfo.InvariantCulture) : null
            : null;
}

/// <summary>A log event for programs: one JSON object in one line.</summary>
internal sealed class JsonLine : ITextFormatter
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Format(LogEvent logEvent, TextWriter output)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("time", logEvent.Timestamp.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("level", logEvent.Level switch
            {
                LogEventLevel.Verbose => "trace",
                LogEventLevel.Fatal => "critical",
                var level => level.ToString().ToLowerInvariant(),
            });
            if (TextLine.EventIdOf(logEvent) is { } id)
            {
                json.WriteNumber("event_id", int.Parse(id, CultureInfo.InvariantCulture));
                json.WriteString("event", TextLine.EventNameOf(logEvent));
            }

            json.WriteString("message", TextLine.MessageOf(logEvent));
            WriteProperties(json, logEvent);
            if (logEvent.Exception is { } exception)
            {
                json.WriteString("exception", exception.ToString());
            }

            json.WriteEndObject();
        }

        output.Write(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
        output.Write('\n');
    }

    private static void WriteProperties(Utf8JsonWriter json, LogEvent logEvent)
    {
        json.WriteStartObject("properties");
        foreach (var (name, value) in logEvent.Properties)
        {
            if (name == "EventId")
            {
                continue;
            }

            json.WritePropertyName(name);
            switch (value)
            {
                case ScalarValue { Value: int number }:
                    json.WriteNumberValue(number);
                    break;
                case ScalarValue { Value: long number }:
                    json.WriteNumberValue(number);
                    break;
                case ScalarValue { Value: double number } when double.IsFinite(number):
                    json.WriteNumberValue(number);
                    break;
                case ScalarValue { Value: bool flag }:
                    json.WriteBooleanValue(flag);
                    break;
                case ScalarValue { Value: null }:
                    json.WriteNullValue();
                    break;
                case ScalarValue scalar:
                    json.WriteStringValue(Convert.ToString(scalar.Value, CultureInfo.InvariantCulture));
                    break;
                default:
                    json.WriteStringValue(value.ToString());
                    break;
            }
        }

        json.WriteEndObject();
    }
}
