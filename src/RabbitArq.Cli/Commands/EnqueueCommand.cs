using System.Text.Json;
using System.Text.Json.Nodes;
using RabbitArq.Cli.Configuration;
using RabbitArq.Cli.Localization;
using RabbitArq.Cli.Output;

namespace RabbitArq.Cli.Commands;

/// <summary>What to enqueue, as it was written.</summary>
internal sealed record EnqueueInput(string Function, IReadOnlyList<string> Args, string? Kwargs, EnqueueOptions Options);

/// <summary>Enqueues one job and prints its id.</summary>
internal sealed class EnqueueCommand(CliSettings settings, CliOutput output)
{
    public async Task<int> RunAsync(EnqueueInput input, CancellationToken cancellationToken)
    {
        var request = new JobRequest(input.Function)
        {
            Args = [.. input.Args.Select(ReadArgument)],
            NamedArgs = input.Kwargs is null ? null : ReadNamed(input.Kwargs),
            Options = input.Options,
        };
        await using var session = BrokerSession.Open(settings);
        var handle = await session.Client.EnqueueAsync(request, cancellationToken);
        if (output.IsJson)
        {
            CliOutput.WriteJson(new JsonObject
            {
                ["ok"] = true,
                ["job_id"] = handle.JobId,
                ["function"] = input.Function,
                ["queue"] = input.Options.QueueName ?? session.Settings.Client.QueueName,
            });
        }
        else
        {
            CliOutput.WriteLine(handle.JobId);
        }

        return ExitCode.Ok;
    }

    /// <summary>JSON where it is JSON; a word that cannot be meant as JSON is a text, so that quotes need no quotes.</summary>
    internal static object? ReadArgument(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException exception) when (text.TrimStart() is ['{' or '[' or '"', ..])
        {
            throw new CliException(Texts.ArgumentNotJson(text, Reason(exception)), Texts.ArgumentNotJsonAdvice(), ExitCode.Usage, exception);
        }
        catch (JsonException)
        {
            return text;
        }
    }

    internal static Dictionary<string, object?> ReadNamed(string text)
    {
        JsonException? cause = null;
        try
        {
            if (JsonElement.Parse(text) is { ValueKind: JsonValueKind.Object } named)
            {
                return named.EnumerateObject().ToDictionary(member => member.Name, member => (object?)member.Value, StringComparer.Ordinal);
            }
        }
        catch (JsonException exception)
        {
            cause = exception;
        }

        throw new CliException(Texts.KwargsNotJson(text, cause is null ? "" : Reason(cause)), Texts.KwargsNotJsonAdvice(), ExitCode.Usage, cause);
    }

    private static string Reason(JsonException exception) => exception.Message.Split(" LineNumber:")[0];
}
