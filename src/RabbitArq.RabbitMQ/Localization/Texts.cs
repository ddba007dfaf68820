using RabbitArq.Localization;

namespace RabbitArq.RabbitMQ.Localization;

/// <summary>The sentences of this package. Each exists in both resource files; a test compares keys and placeholders.</summary>
internal static class Texts
{
    private static readonly TextSource Source = new("RabbitArq.RabbitMQ.Localization.Texts", typeof(Texts).Assembly);

    /// <summary>The template of a log message; its key has the prefix <c>Log_</c>.</summary>
    public static string LogTemplate(string name) => Source.Get("Log_" + name);

    public static string UrlUnreadable(string url, string reason) => Source.Format([url, reason]);

    public static string UrlNoHost() => Source.Get();

    public static string UrlVhostHasSlash() => Source.Get();

    public static string UrlQueryUnknown(string key) => Source.Format([key]);

    public static string TlsFileUnreadable(string option, string file, string reason) => Source.Format([option, file, reason]);

    public static string TlsFileEmpty() => Source.Get();

    public static string TlsFailed(string url, string reason) => Source.Format([url, reason]);

    public static string AuthenticationRefused(string user, string url) => Source.Format([user, url]);

    public static string VhostRefused(string vhost, string user, string url, string reply) => Source.Format([vhost, user, url, reply]);

    public static string ConnectTimedOut(string url, double seconds) => Source.Format([url, seconds]);

    public static string ConnectFailed(string url, string reason) => Source.Format([url, reason]);

    public static string HostUnknown(string host, string url) => Source.Format([host, url]);

    public static string NobodyListens(string hostAndPort, string url) => Source.Format([hostAndPort, url]);

    public static string RequestFailed(string what, string url, string reason) => Source.Format([what, url, reason]);

    public static string RequestTimedOut(string what, string url, double seconds) => Source.Format([what, url, seconds]);

    public static string RequestNotAllowed(string what, string user, string url, string reply) => Source.Format([what, user, url, reply]);

    public static string RequestRefused(string what, string url, string reply) => Source.Format([what, url, reply]);

    public static string WhatTopology() => Source.Get();

    public static string WhatDeleteQueue(string queue) => Source.Format([queue]);

    public static string WhatDeleteExchange(string exchange) => Source.Format([exchange]);

    public static string WhatInspect(string queue) => Source.Format([queue]);

    public static string WhatPurge(string queue) => Source.Format([queue]);

    public static string WhatConsume(string queue) => Source.Format([queue]);

    public static string WhatDelay(string queue) => Source.Format([queue]);

    public static string QueueMissing(string queue, string url) => Source.Format([queue, url]);

    public static string ConsumeExclusive(string queue, string url, string reply) => Source.Format([queue, url, reply]);

    public static string ReasonCancelledByBroker(string queue) => Source.Format([queue]);

    public static string KindQueue() => Source.Get();

    public static string KindExchange() => Source.Get();

    public static string QuorumNeedsShared(string queue) => Source.Format([queue]);

    public static string PrefetchOutOfRange(int prefetch) => Source.Format([prefetch]);

    public static string DelayTooLong(string queue, double days, double longest) => Source.Format([queue, days, longest]);

    public static string DelayQueueNameTooLong(string queue, int longest) => Source.Format([queue, longest]);

    public static string DueAtWithExchange(string exchange) => Source.Format([exchange]);

    public static string UnroutableToQueue(string queue, string reply) => Source.Format([queue, reply]);

    public static string UnroutableToExchange(string exchange, string routingKey, string reply) => Source.Format([exchange, routingKey, reply]);

    public static string ExchangeMissing(string exchange, string target, string reply) => Source.Format([exchange, target, reply]);

    public static string PublishNacked(string target) => Source.Format([target]);

    public static string PublishNotEncodable(string target, string reason) => Source.Format([target, reason]);

    public static string PublishNotAllowed(string target, string user, string reply) => Source.Format([target, user, reply]);

    public static string PublishClosed(string target, string reply) => Source.Format([target, reply]);

    public static string BodyTooLarge(long size, string target, long limit) => Source.Format([size, target, limit]);

    public static string PublishBlocked(string target, string url, string reason, double seconds) => Source.Format([target, url, reason, seconds]);

    public static string PublishUnconfirmed(string target, string url, double seconds, string cause) => Source.Format([target, url, seconds, cause]);

    public static string CauseNoConfirm() => Source.Get();

    public static string CauseConnectionLost() => Source.Get();

    public static string CauseNotSent() => Source.Get();

    public static string PublishWhenDisposed(string target, string url) => Source.Format([target, url]);
}
