using RabbitArq.RabbitMQ.Connecting;
using RabbitArq.RabbitMQ.Localization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace RabbitArq.RabbitMQ.Inspecting;

/// <summary>Looks at queues by passive declaration, on channels that a refusal may close.</summary>
internal sealed class RabbitMqInspector(Control control, AmqpAddress address) : IBrokerInspector
{
    public Task<BrokerInfo> GetBrokerAsync(CancellationToken cancellationToken = default) =>
        control.RunAsync(
            Texts.WhatInspect(""),
            (scratch, _) => Task.FromResult(new BrokerInfo(scratch.Link.Server.Product, scratch.Link.Server.VersionText, address.Masked)),
            cancellationToken);

    public Task<QueueInfo?> FindQueueAsync(string queueName, CancellationToken cancellationToken = default) =>
        control.RunAsync(Texts.WhatInspect(queueName), (scratch, token) => FindAsync(scratch, queueName, token), cancellationToken);

    public Task<long> PurgeAsync(string queueName, CancellationToken cancellationToken = default) =>
        control.RunAsync(Texts.WhatPurge(queueName), (scratch, token) => PurgeAsync(scratch, queueName, token), cancellationToken);

    private static async Task<QueueInfo?> FindAsync(ScratchChannel scratch, string queueName, CancellationToken cancellationToken)
    {
        var channel = await scratch.GetAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var found = await channel.QueueDeclarePassiveAsync(queueName, cancellationToken).ConfigureAwait(false);
            return new QueueInfo(queueName, found.MessageCount, found.ConsumerCount);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return null;
        }
    }

    private async Task<long> PurgeAsync(ScratchChannel scratch, string queueName, CancellationToken cancellationToken)
    {
        var channel = await scratch.GetAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await channel.QueuePurgeAsync(queueName, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            throw new QueueNotFoundException(queueName, Texts.QueueMissing(queueName, address.Masked), e);
        }
    }
}
