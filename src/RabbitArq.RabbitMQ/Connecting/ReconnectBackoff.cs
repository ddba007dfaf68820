namespace RabbitArq.RabbitMQ.Connecting;

/// <summary>
/// How long to wait before the next attempt: doubling from <paramref name="first"/> up to <paramref name="most"/>, each
/// wait somewhere in its upper half, so that many clients of a restarted broker do not come back in the same moment.
/// </summary>
internal sealed class ReconnectBackoff(Random random, TimeSpan first, TimeSpan most)
{
    private readonly Lock _gate = new();

    /// <param name="attempt">From 1.</param>
    public TimeSpan Before(int attempt)
    {
        var ticks = Math.Min(most.Ticks, first.Ticks * Math.Pow(2, Math.Min(attempt - 1, 30)));
        double share;
        lock (_gate)
        {
            share = 0.5 + (random.NextDouble() / 2);
        }

        return TimeSpan.FromTicks((long)(ticks * share));
    }
}
