using System.Net.Sockets;
using System.Security.Authentication;
using RabbitArq.RabbitMQ.Localization;
using RabbitMQ.Client.Exceptions;

namespace RabbitArq.RabbitMQ.Connecting;

/// <summary>Says why a connection could not be opened, from the pile of exceptions that the client wraps it in.</summary>
internal static class ConnectionFailure
{
    private const ushort AccessRefused = 403;

    public static BrokerException Translate(Exception exception, AmqpAddress address, TimeSpan timeout)
    {
        var causes = Flatten(exception).ToList();
        if (causes.OfType<BrokerException>().FirstOrDefault() is { } known)
        {
            return known;
        }

        if (causes.OfType<OperationInterruptedException>().FirstOrDefault(e => e.ShutdownReason is not null) is { } closed)
        {
            var reason = closed.ShutdownReason!;
            // The words tell a refused password from a refused virtual host; both may carry 403.
            return reason.ReplyCode == AccessRefused && !reason.ReplyText.Contains("vhost", StringComparison.OrdinalIgnoreCase)
                ? new BrokerAuthenticationException(Texts.AuthenticationRefused(address.UserName, address.Masked), exception)
                : new BrokerAccessException(Texts.VhostRefused(address.VirtualHost, address.UserName, address.Masked, reason.ReplyText), exception);
        }

        if (causes.Any(e => e is AuthenticationFailureException or PossibleAuthenticationFailureException))
        {
            return new BrokerAuthenticationException(Texts.AuthenticationRefused(address.UserName, address.Masked), exception);
        }

        if (causes.OfType<AuthenticationException>().FirstOrDefault() is { } tls)
        {
            return new BrokerUnreachableException(Texts.TlsFailed(address.Masked, Innermost(tls).Message), exception);
        }

        if (causes.OfType<SocketException>().FirstOrDefault() is { } socket)
        {
            return new BrokerUnreachableException(SocketText(socket, address, timeout), exception);
        }

        return causes.Any(e => e is TimeoutException or OperationCanceledException)
            ? new BrokerUnreachableException(Texts.ConnectTimedOut(address.Masked, timeout.TotalSeconds), exception)
            : new BrokerUnreachableException(Texts.ConnectFailed(address.Masked, Innermost(exception).Message), exception);
    }

    private static string SocketText(SocketException socket, AmqpAddress address, TimeSpan timeout) => socket.SocketErrorCode switch
    {
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData or SocketError.NoRecovery =>
            Texts.HostUnknown(address.Host, address.Masked),
        SocketError.ConnectionRefused => Texts.NobodyListens(address.HostAndPort, address.Masked),
        SocketError.TimedOut => Texts.ConnectTimedOut(address.Masked, timeout.TotalSeconds),
        _ => Texts.ConnectFailed(address.Masked, socket.Message),
    };

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
        {
            exception = inner;
        }

        return exception;
    }

    private static IEnumerable<Exception> Flatten(Exception? exception)
    {
        while (exception is not null)
        {
            yield return exception;
            if (exception is AggregateException many)
            {
                foreach (var inner in many.InnerExceptions.SelectMany(Flatten))
                {
                    yield return inner;
                }

                yield break;
            }

            exception = exception.InnerException;
        }
    }
}
