namespace RabbitArq.Messages;

/// <summary>Headers that a broker writes. They are facts about one journey and never travel on with a copy.</summary>
internal static class BrokerHeaders
{
    /// <summary>
    /// Whether a header is the broker's own. Copying <c>x-death</c> would make RabbitMQ drop the copy as a dead-letter
    /// cycle; copying <c>CC</c> or <c>BCC</c> would route it again.
    /// </summary>
    public static bool IsBrokerOwned(string name) =>
        name is "x-death" or "CC" or "BCC" or "x-delivery-count" or "x-acquired-count" or "x-delay" or "x-client-delayed"
        || name.StartsWith("x-first-death-", StringComparison.Ordinal)
        || name.StartsWith("x-last-death-", StringComparison.Ordinal);
}
