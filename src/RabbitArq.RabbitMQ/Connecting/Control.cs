using RabbitArq.RabbitMQ.Localization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace RabbitArq.RabbitMQ.Connecting;

/// <summary>
/// A channel for requests that may be refused. A refusal closes the channel, so the next request gets a fresh one.
/// </summary>
internal sealed class ScratchChannel(BrokerLink link) : IAsyncDisposable
{
    private IChannel? _channel;

    public BrokerLink Link => link;

    public async ValueTask<IChannel> GetAsync(CancellationToken cancellationToken)
    {
        if (_channel is not { IsOpen: true })
        {
            await DisposeAsync().ConfigureAwait(false);
            _channel = await link.Connection.CreateChannelAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        }

        return _channel;
    }

    public async ValueTask DisposeAsync()
    {
        if (_channel is { } channel)
        {
            _channel = null;
            await ChannelCloser.CloseAsync(channel).ConfigureAwait(false);
        }
    }
}

/// <summary>Closes channels whose fate does not matter any more.</summary>
internal static class ChannelCloser
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Never throws and never waits long: on a dead or blocked connection the answer does not come.</summary>
    public static async Task CloseAsync(IChannel channel)
    {
        var closing = CloseAndDisposeAsync(channel);
        await Task.WhenAny(closing, Task.Delay(Patience, TimeProvider.System)).ConfigureAwait(false);
    }

    private static async Task CloseAndDisposeAsync(IChannel channel)
    {
        try
        {
            if (channel.IsOpen)
            {
                await channel.CloseAsync(Constants.ReplySuccess, "Goodbye", abort: true, CancellationToken.None).ConfigureAwait(false);
            }

            await channel.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The channel is done with, whatever the client makes of it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            System.Diagnostics.Debug.WriteLine(e);
        }
    }
}

/// <summary>Runs requests with a deadline, over a reconnect where one falls in between, and translates what can go wrong.</summary>
internal sealed class Control(ConnectionSupervisor supervisor, AmqpAddress address, TimeProvider time)
{
    public TimeSpan Timeout => supervisor.Timeout;

    /// <summary>Runs <paramref name="request"/>; it must be safe to run again, because a lost connection makes it run again.</summary>
    /// <exception cref="BrokerException">Refused, or not answered in time.</exception>
    public async Task<T> RunAsync<T>(string what, Func<ScratchChannel, CancellationToken, Task<T>> request, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(supervisor.Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        while (true)
        {
            BrokerLink? link = null;
            try
            {
                link = await supervisor.GetAsync(linked.Token).ConfigureAwait(false);
                return await RunOnAsync(link, what, request, linked.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (link is { IsLost: true } && !linked.IsCancellationRequested && e is not ObjectDisposedException)
            {
                // The connection died under the request; the next one gets it again, until the deadline.
                continue;
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
            {
                throw new BrokerUnreachableException(NotAnswered(what), supervisor.LastFailure ?? (Exception)e);
            }
        }
    }

    /// <summary>Runs a request on a given connection, once.</summary>
    public async Task<T> RunOnAsync<T>(
        BrokerLink link, string what, Func<ScratchChannel, CancellationToken, Task<T>> request, CancellationToken cancellationToken)
    {
        var scratch = new ScratchChannel(link);
        await using var closing = scratch.ConfigureAwait(false);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, link.LostToken);
        try
        {
            // The client's own calls can outlive their token, and the connection, while a socket is stuck.
            return await request(scratch, linked.Token).WaitAsync(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (link.IsLost && !cancellationToken.IsCancellationRequested)
        {
            throw new BrokerUnreachableException(Texts.RequestFailed(what, address.Masked, Texts.CauseConnectionLost()), e);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason is { } reason)
        {
            throw Refusal(what, reason.ReplyCode, reason.ReplyText, e);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException or ObjectDisposedException)
        {
            throw new BrokerUnreachableException(Texts.RequestFailed(what, address.Masked, e.Message), e);
        }
    }

    private BrokerException Refusal(string what, ushort code, string text, Exception e) => code == Constants.AccessRefused
        ? new BrokerAccessException(Texts.RequestNotAllowed(what, address.UserName, address.Masked, text), e)
        : new BrokerException(Texts.RequestRefused(what, address.Masked, text), e);

    private string NotAnswered(string what) => supervisor.LastFailure is { } failure
        ? Texts.RequestFailed(what, address.Masked, failure.Message)
        : Texts.RequestTimedOut(what, address.Masked, supervisor.Timeout.TotalSeconds);
}
