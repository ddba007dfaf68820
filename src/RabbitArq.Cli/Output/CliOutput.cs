using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using RabbitArq.Cli.Localization;
using Spectre.Console;

namespace RabbitArq.Cli.Output;

/// <summary>
/// Where a command writes. Results go to standard output, logs and errors to standard error; with <c>--json</c> standard
/// output gets exactly one JSON object.
/// </summary>
internal sealed class CliOutput(bool json, bool showsStackTraces)
{
    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Results.</summary>
    public IAnsiConsole Out { get; } = Console(System.Console.Out, System.Console.IsOutputRedirected);

    /// <summary>Logs, questions and errors.</summary>
    public IAnsiConsole Error { get; } = Console(System.Console.Error, System.Console.IsErrorRedirected);

    public bool IsJson => json;

    /// <summary>Whether a person sees what is written to standard error, and can answer.</summary>
    public static bool IsInteractive => !System.Console.IsInputRedirected && !System.Console.IsErrorRedirected;

    /// <summary>Whether a person sees standard output.</summary>
    public bool IsTerminal => !json && !System.Console.IsOutputRedirected;

    /// <summary>A line as it is: a terminal wraps it, so that it can be copied whole.</summary>
    public static void WriteLine(string text) => System.Console.Out.WriteLine(text);

    public static void WriteErrorLine(string text) => System.Console.Error.WriteLine(text);

    /// <summary>The one object of <c>--json</c>.</summary>
    public static void WriteJson(JsonObject value) => System.Console.Out.WriteLine(value.ToJsonString(JsonOptions));

    /// <summary>The one object of <c>--json</c> when something went wrong.</summary>
    public static void WriteJsonFailure(IEnumerable<string> errors, string? advice) => WriteJson(new JsonObject
    {
        ["ok"] = false,
        ["errors"] = new JsonArray([.. errors.Select(text => (JsonNode)text)]),
        ["advice"] = advice,
    });

    /// <summary>Says what went wrong and what to do.</summary>
    public void WriteFailure(Exception exception)
    {
        var (message, details, advice) = exception switch
        {
            CliException cli => (cli.Message, cli.Details, cli.Advice),
            RabbitArqException known => (known.Message, [], null),
            ArgumentException wrong => (wrong.Message, [], null),
            OperationCanceledException => (Texts.Cancelled(), [], null),
            _ => (Texts.Unexpected(exception.GetType().Name, exception.Message), [], Texts.UnexpectedAdvice()),
        };
        if (json)
        {
            var errors = exception is InvalidSettingsException invalid ? invalid.Errors : [message];
            WriteJsonFailure(errors.Concat(details), advice);
        }
        else
        {
            Error.Write(new Text(Texts.ErrorPrefix() + " ", new Style(Color.Red)));
            WriteErrorLine(message);
            foreach (var detail in details)
            {
                WriteErrorLine("  " + detail);
            }

            if (advice is not null)
            {
                WriteErrorLine(advice);
            }
        }

        if (showsStackTraces)
        {
            System.Console.Error.WriteLine(exception);
        }
    }

    private static IAnsiConsole Console(TextWriter writer, bool redirected)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect,
            Interactive = redirected ? InteractionSupport.No : InteractionSupport.Detect,
        });
        if (redirected)
        {
            // What a program reads must not be wrapped at the width of a terminal that is not there.
            console.Profile.Width = 10_000;
        }

        return console;
    }
}
