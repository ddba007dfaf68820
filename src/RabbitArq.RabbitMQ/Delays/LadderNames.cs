using System.Globalization;
using System.Numerics;

namespace RabbitArq.RabbitMQ.Delays;

/// <summary>
/// The names and routing keys of the delay ladder, version 1. They are on brokers and in messages under way, so they
/// never change; another layout gets another version.
/// </summary>
internal static class LadderNames
{
    public const string Prefix = "rabbitarq.v1.delay.";

    /// <summary>The last exchange: from here a message goes to its queue.</summary>
    public const string Deliver = Prefix + "deliver";

    /// <summary>Takes what has come due for a queue that is gone: exchange and queue.</summary>
    public const string Parked = Prefix + "parked";

    /// <summary>31 levels of 100 ms × 2ⁿ reach 6.8 years; 32 would add nothing that anyone waits for.</summary>
    public const int Levels = 31;

    /// <summary>One word and one dot per level.</summary>
    private const int BitsLength = Levels * 2;

    public static TimeSpan Unit { get; } = TimeSpan.FromMilliseconds(100);

    public static TimeSpan Longest { get; } = Unit * ((1L << Levels) - 1);

    /// <summary>The longest queue name whose routing keys still fit into AMQP's 255 bytes.</summary>
    public static int LongestQueueName => 255 - BitsLength;

    public static string Level(int level) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{level:00}");

    public static TimeSpan TimeToLive(int level) => Unit * (1L << level);

    /// <summary>
    /// The wait in units, rounded up. A hop may be a millisecond early, because the broker counts whole milliseconds; a unit
    /// more is taken where that could make the message early.
    /// </summary>
    public static uint UnitsOf(TimeSpan wait)
    {
        var units = (wait.Ticks + Unit.Ticks - 1) / Unit.Ticks;
        var hops = BitOperations.PopCount((ulong)units);
        if ((units * Unit.Ticks) - (hops * TimeSpan.TicksPerMillisecond) < wait.Ticks)
        {
            units++;
        }

        return (uint)Math.Min(units, (1L << Levels) - 1);
    }

    public static int HighestLevel(uint units) => BitOperations.Log2(units);

    /// <summary>The bits, highest first, then the queue's name.</summary>
    public static string RoutingKey(uint units, string queueName) =>
        string.Create(BitsLength + queueName.Length, (units, queueName), static (key, state) =>
        {
            for (var level = Levels - 1; level >= 0; level--)
            {
                var at = (Levels - 1 - level) * 2;
                key[at] = (state.units & (1u << level)) == 0 ? '0' : '1';
                key[at + 1] = '.';
            }

            state.queueName.CopyTo(key[BitsLength..]);
        });

    /// <summary>Matches any wait whose bit of this level is <paramref name="bit"/>.</summary>
    public static string LevelPattern(int level, char bit) =>
        string.Concat(Enumerable.Repeat("*.", Levels - 1 - level)) + bit + ".#";

    /// <summary>
    /// Matches exactly the queue: as many words as there are bits, then the name. With <c>#</c> instead, the queue
    /// <c>b</c> would get what is for <c>a.b</c>.
    /// </summary>
    public static string QueuePattern(string escapedQueueName) =>
        string.Concat(Enumerable.Repeat("*.", Levels)) + escapedQueueName;

    /// <summary>A queue's name as words of a routing key. A word that is a wildcard in a binding must not act as one.</summary>
    public static string Escape(string queueName) =>
        queueName.AsSpan().IndexOfAny("*#%") < 0
            ? queueName
            : queueName.Replace("%", "%25", StringComparison.Ordinal)
                .Replace("*", "%2A", StringComparison.Ordinal)
                .Replace("#", "%23", StringComparison.Ordinal);

    /// <summary>The queue that a routing key of the ladder leads to.</summary>
    public static string QueueOf(string routingKey) =>
        routingKey.Length <= BitsLength
            ? routingKey
            : routingKey[BitsLength..]
                .Replace("%2A", "*", StringComparison.Ordinal)
                .Replace("%23", "#", StringComparison.Ordinal)
                .Replace("%25", "%", StringComparison.Ordinal);

    public static bool IsOurs(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);
}
