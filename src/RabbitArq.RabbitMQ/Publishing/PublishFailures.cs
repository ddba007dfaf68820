using System.Globalization;
using System.Text.RegularExpressions;
using RabbitArq.RabbitMQ.Localization;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace RabbitArq.RabbitMQ.Publishing;

/// <summary>Says what a broker's answer to a publish means.</summary>
internal static partial class PublishFailures
{
    public static UnroutableException Unroutable(PublishRequest request, string reply) =>
        new(request, request.Exchange.Length == 0
            ? Texts.UnroutableToQueue(request.RoutingKey, reply)
            : Texts.UnroutableToExchange(request.Exchange, request.RoutingKey, reply));

    public static PublishRefusedException Refused(PublishRequest request) =>
        new(request, Texts.PublishNacked(Target(request)));

    public static PublishRefusedException NotEncodable(PublishRequest request, Exception exception) =>
        new(request, Texts.PublishNotEncodable(Target(request), exception.Message), exception);

    public static MessageTooLargeException TooLarge(PublishRequest request, long limit) =>
        new(request, Texts.BodyTooLarge(request.Message.Body.Length, Target(request), limit));

    public static BrokerBlockedException Blocked(PublishRequest request, string address, string reason, TimeSpan waited, bool wasSent) =>
        new(request, Texts.PublishBlocked(Target(request), address, reason, waited.TotalSeconds), wasSent);

    public static PublishUnconfirmedException Unconfirmed(
        PublishRequest request, string address, TimeSpan waited, bool wasSent, BrokerException? connectionFailure)
    {
        var cause = connectionFailure?.Message ?? (wasSent ? Texts.CauseNoConfirm() : Texts.CauseNotSent());
        return new(request, Texts.PublishUnconfirmed(Target(request), address, waited.TotalSeconds, cause), connectionFailure);
    }

    public static PublishUnconfirmedException Disposed(PublishRequest request, string address) =>
        new(request, Texts.PublishWhenDisposed(Target(request), address));

    /// <summary>Why the broker closed the channel, or the connection, because of this one publish.</summary>
    /// <param name="request">The guilty publish.</param>
    /// <param name="reason">What the broker said.</param>
    /// <param name="user">Whose permissions are missing when access was refused.</param>
    public static BrokerException FromClose(PublishRequest request, ShutdownEventArgs reason, string user)
    {
        var reply = string.Create(CultureInfo.InvariantCulture, $"{reason.ReplyCode} {reason.ReplyText}");
        return reason.ReplyCode switch
        {
            Constants.NotFound => new UnroutableException(request, Texts.ExchangeMissing(request.Exchange, Target(request), reply)),
            Constants.AccessRefused => new BrokerAccessException(Texts.PublishNotAllowed(Target(request), user, reply)),
            Constants.PreconditionFailed when SizeLimit(reason.ReplyText) is { } limit => TooLarge(request, limit),
            _ => new PublishRefusedException(request, Texts.PublishClosed(Target(request), reply)),
        };
    }

    /// <summary>The limit named in "message size 17000000 is larger than configured max size 16777216"; null: it is about something else.</summary>
    public static long? SizeLimit(string replyText)
    {
        var match = SizePattern().Match(replyText);
        return match.Success && long.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
            ? limit
            : null;
    }

    private static string Target(PublishRequest request) =>
        request.Exchange.Length == 0 ? $"'{request.RoutingKey}'" : $"'{request.Exchange}' ({request.RoutingKey})";

    [GeneratedRegex(@"message size \d+ is larger than (?:configured )?max size (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex SizePattern();
}
