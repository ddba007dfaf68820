using System.Globalization;
using System.Text.Json.Nodes;
using RabbitArq.Brokers;
using RabbitArq.Cli.Configuration;
using RabbitArq.Cli.Localization;
using RabbitArq.Cli.Output;
using RabbitArq.Workers;
using Spectre.Console;

namespace RabbitArq.Cli.Commands;

/// <summary>Shows queues and their dead-letter queues.</summary>
internal sealed class QueueInfoCommand(CliSettings settings, CliOutput output)
{
    public async Task<int> RunAsync(string? queueName, CancellationToken cancellationToken)
    {
        await using var session = BrokerSession.Open(settings);
        var broker = await session.ConnectAsync(cancellationToken);
        var queues = JobWorker.QueuesOf(session.Settings.Worker).Select(queue => queue.Queue);
        var names = queueName is null
            ? queues.SelectMany(queue => new[] { queue.Name, queue.DeadLetterQueueName })
            : [queueName, queues.FirstOrDefault(queue => queue.Name == queueName)?.DeadLetterQueueName ?? queueName + ".dlq"];
        var info = await broker.Inspector.GetBrokerAsync(cancellationToken);
        var found = new List<QueueInfo>();
        foreach (var name in names.Distinct(StringComparer.Ordinal))
        {
            if (await broker.Inspector.FindQueueAsync(name, cancellationToken) is { } queue)
            {
                found.Add(queue);
            }
        }

        var asked = queueName ?? session.Settings.Worker.QueueName;
        if (found.All(queue => queue.Name != asked))
        {
            throw new CliException(Texts.QueueUnknown(asked, info.Url), Texts.QueueUnknownAdvice());
        }

        if (output.IsJson)
        {
            CliOutput.WriteJson(ToJson(info, found));
        }
        else
        {
            CliOutput.WriteLine(Texts.BrokerLine(info.Product, info.Version, info.Url));
            output.Out.Write(ToTable(found));
        }

        return ExitCode.Ok;
    }

    private static JsonObject ToJson(BrokerInfo broker, List<QueueInfo> queues) => new()
    {
        ["ok"] = true,
        ["broker"] = new JsonObject { ["product"] = broker.Product, ["version"] = broker.Version, ["url"] = broker.Url },
        ["queues"] = new JsonArray([.. queues.Select(queue => (JsonNode)new JsonObject
        {
            ["name"] = queue.Name,
            ["ready"] = queue.MessagesReady,
            ["unacknowledged"] = queue.MessagesUnacknowledged,
            ["delayed"] = queue.MessagesDelayed,
            ["consumers"] = queue.Consumers,
        })]),
    };

    private static Table ToTable(List<QueueInfo> queues)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn(Texts.ColumnQueue());
        foreach (var title in (string[])[Texts.ColumnReady(), Texts.ColumnUnacknowledged(), Texts.ColumnDelayed(), Texts.ColumnConsumers()])
        {
            table.AddColumn(new TableColumn(title).RightAligned());
        }

        foreach (var queue in queues)
        {
            table.AddRow(
                new Text(queue.Name), Number(queue.MessagesReady), Number(queue.MessagesUnacknowledged), Number(queue.MessagesDelayed), Number(queue.Consumers));
        }

        return table;
    }

    /// <summary>A dash where the broker does not tell.</summary>
    private static Text Number(long? value) => new(value?.ToString(CultureInfo.InvariantCulture) ?? "–");
}
