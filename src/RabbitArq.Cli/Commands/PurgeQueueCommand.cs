using System.Text.Json.Nodes;
using RabbitArq.Cli.Configuration;
using RabbitArq.Cli.Localization;
using RabbitArq.Cli.Output;

namespace RabbitArq.Cli.Commands;

/// <summary>Deletes the messages that wait in a queue, after asking.</summary>
internal sealed class PurgeQueueCommand(CliSettings settings, CliOutput output, TextReader answers, bool isInteractive)
{
    public async Task<int> RunAsync(string? queueName, bool yes, CancellationToken cancellationToken)
    {
        await using var session = BrokerSession.Open(settings);
        var name = queueName ?? session.Settings.Worker.QueueName;
        if (!yes && !isInteractive)
        {
            throw new CliException(Texts.PurgeNeedsYes(name), Texts.PurgeNeedsYesAdvice(), ExitCode.Usage);
        }

        var broker = await session.ConnectAsync(cancellationToken);
        var info = await broker.Inspector.GetBrokerAsync(cancellationToken);
        var queue = await broker.Inspector.FindQueueAsync(name, cancellationToken)
            ?? throw new CliException(Texts.QueueUnknown(name, info.Url), Texts.QueueUnknownAdvice());
        if (!yes && !Confirm(Texts.PurgeQuestion(queue.MessagesReady, name, info.Url)))
        {
            throw new CliException(Texts.PurgeDeclined(name), Texts.PurgeDeclinedAdvice());
        }

        var purged = await broker.Inspector.PurgeAsync(name, cancellationToken);
        if (output.IsJson)
        {
            CliOutput.WriteJson(new JsonObject { ["ok"] = true, ["queue"] = name, ["purged"] = purged });
        }
        else
        {
            CliOutput.WriteLine(Texts.Purged(purged, name));
        }

        return ExitCode.Ok;
    }

    /// <summary>Anything but a clear yes is no.</summary>
    private bool Confirm(string question)
    {
        Console.Error.Write(question + " ");
        return answers.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes" or "是";
    }
}
