using System.Data.Common;
using System.Net.Sockets;
using System.Security;
using System.Text.Json;
using RabbitArq.Brokers;
using RabbitArq.Messages;
using RabbitArq.Retries;

namespace RabbitArq.Execution;

/// <summary>The failure rules that hold before any of the user's. Each call makes a copy that may be changed.</summary>
internal static class DefaultFailureRules
{
    public static FailureRules Create() =>
        new FailureRules()
            .Retry<RetryException>()
            .Retry<TimeoutException>()
            .Retry<IOException>()
            .Retry<SocketException>()
            .Retry<HttpRequestException>()
            .Retry<DbException>()
            .Retry<OperationCanceledException>()
            .Retry<BrokerException>()
            .DoNotRetry<BrokerAuthenticationException>()
            .DoNotRetry<BrokerAccessException>()
            .DoNotRetry<BrokerUrlException>()
            .DoNotRetry<UnroutableException>()
            .DoNotRetry<MessageTooLargeException>()
            .DoNotRetry<ArgumentException>()
            .DoNotRetry<ArithmeticException>()
            .DoNotRetry<FormatException>()
            .DoNotRetry<InvalidCastException>()
            .DoNotRetry<NullReferenceException>()
            .DoNotRetry<IndexOutOfRangeException>()
            .DoNotRetry<KeyNotFoundException>()
            .DoNotRetry<MissingMemberException>()
            .DoNotRetry<TypeLoadException>()
            .DoNotRetry<NotImplementedException>()
            .DoNotRetry<NotSupportedException>()
            .DoNotRetry<JsonException>()
            .DoNotRetry<UnauthorizedAccessException>()
            .DoNotRetry<SecurityException>()
            .DoNotRetry<UnreadableMessageException>()
            .DoNotRetry<UnknownJobException>()
            .DoNotRetry<ArgumentBindingException>()
            .DoNotRetry<ArgumentNotSerializableException>()
            .DoNotRetry<ResultNotSerializableException>();
}
