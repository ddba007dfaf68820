using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RabbitArq.RabbitMQ.Connecting;
using RabbitArq.RabbitMQ.Diagnostics;
using RabbitArq.RabbitMQ.Localization;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace RabbitArq.RabbitMQ.Consuming;

/// <summary>Opens subscriptions and says what a refusal means.</summary>
internal sealed class ConsumerOpener(ConnectionSupervisor supervisor, Control control, AmqpAddress address, TimeProvider time, ILogger logger)
{
    private const string TimeoutArgument = "x-consumer-timeout";

    /// <summary>What a server that was not told otherwise allows.</summary>
    private static readonly TimeSpan DefaultConsumerTimeout = TimeSpan.FromMinutes(30);

    /// <param name="spec">What to consume.</param>
    /// <param name="deliveries">Where deliveries go.</param>
    /// <param name="deadline">Gives up on the broker.</param>
    /// <param name="callerToken">Tells the caller's own cancellation from the deadline.</param>
    public async Task<ConsumerSession> OpenAsync(
        ConsumerSpec spec, ChannelWriter<Delivery> deliveries, CancellationToken deadline, CancellationToken callerToken)
    {
        try
        {
            var link = await supervisor.GetAsync(deadline).ConfigureAwait(false);
            var arguments = ArgumentsOf(spec, link.Server);
            try
            {
                return await SubscribeAsync(link, spec, arguments, deliveries, deadline).ConfigureAwait(false);
            }
            catch (OperationInterruptedException e) when (IsRefusedTimeout(e))
            {
                // Classic queues from 4.3 on: they have no consumer timeout any more, and refuse the argument.
                return await SubscribeAsync(link, spec, [], deliveries, deadline).ConfigureAwait(false);
            }
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason is { } reason)
        {
            throw Refusal(spec, reason, e);
        }
        catch (Exception e) when (!callerToken.IsCancellationRequested
            && e is RabbitMQClientException or IOException or TimeoutException or OperationCanceledException)
        {
            throw new BrokerUnreachableException(
                Texts.RequestFailed(Texts.WhatConsume(spec.QueueName), address.Masked, supervisor.LastFailure?.Message ?? e.Message), e);
        }
    }

    /// <summary>Looks whether the queue exists, on a channel of its own: see <see cref="RabbitMqConsumer"/> on what a consume may do instead.</summary>
    /// <exception cref="QueueNotFoundException">It does not.</exception>
    public Task FindAsync(string queueName, CancellationToken cancellationToken) => control.RunAsync(
        Texts.WhatConsume(queueName),
        async (scratch, token) =>
        {
            var channel = await scratch.GetAsync(token).ConfigureAwait(false);
            try
            {
                return await channel.QueueDeclarePassiveAsync(queueName, token).ConfigureAwait(false);
            }
            catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
            {
                throw new QueueNotFoundException(queueName, Texts.QueueMissing(queueName, address.Masked), e);
            }
        },
        cancellationToken);

    /// <summary>Warns, at start, of what the server's consumer timeout would do to a healthy long delivery.</summary>
    public void CheckTimeout(ConsumerSpec spec, ServerFacts server)
    {
        if (spec.LongestDelivery is { } longest && longest > DefaultConsumerTimeout && !server.KnowsConsumerTimeoutArgument)
        {
            Log.ConsumerTimeoutShort(logger, spec.QueueName, longest, server.VersionText, (long)longest.TotalMilliseconds);
        }
    }

    private static bool IsRefusedTimeout(OperationInterruptedException e) =>
        e.ShutdownReason is { ReplyCode: Constants.PreconditionFailed } reason
        && reason.ReplyText.Contains(TimeoutArgument, StringComparison.Ordinal);

    private async Task<ConsumerSession> SubscribeAsync(
        BrokerLink link, ConsumerSpec spec, Dictionary<string, object?> arguments, ChannelWriter<Delivery> deliveries, CancellationToken deadline)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline, link.LostToken);
        var opening = ConsumerSession.OpenAsync(link, spec, arguments, deliveries, supervisor.Timeout, time, linked.Token);
        try
        {
            return await opening.WaitAsync(supervisor.Timeout, time, linked.Token).ConfigureAwait(false);
        }
        catch
        {
            _ = CloseLateAsync(opening);
            throw;
        }
    }

    private BrokerException Refusal(ConsumerSpec spec, ShutdownEventArgs reason, OperationInterruptedException e) => reason.ReplyCode switch
    {
        Constants.NotFound => new QueueNotFoundException(spec.QueueName, Texts.QueueMissing(spec.QueueName, address.Masked), e),
        Constants.AccessRefused when spec.Exclusive || reason.ReplyText.Contains("exclusive", StringComparison.OrdinalIgnoreCase) =>
            new BrokerException(Texts.ConsumeExclusive(spec.QueueName, address.Masked, reason.ReplyText), e),
        Constants.AccessRefused => new BrokerAccessException(Texts.RequestNotAllowed(
            Texts.WhatConsume(spec.QueueName), address.UserName, address.Masked, reason.ReplyText), e),
        _ => new BrokerException(Texts.RequestRefused(Texts.WhatConsume(spec.QueueName), address.Masked, reason.ReplyText), e),
    };

    /// <summary>A subscription that nobody waits for any more must not keep messages.</summary>
    private static async Task CloseLateAsync(Task<ConsumerSession> opening)
    {
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (opening.IsCompletedSuccessfully)
        {
            await opening.Result.CloseAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The limit is only ever raised: a shorter one would end deliveries that the server lets live today.</summary>
    private static Dictionary<string, object?> ArgumentsOf(ConsumerSpec spec, ServerFacts server) =>
        spec.LongestDelivery is { } longest && longest > DefaultConsumerTimeout && server.KnowsConsumerTimeoutArgument
            ? new() { [TimeoutArgument] = (long)longest.TotalMilliseconds }
            : [];
}
