using System.Numerics;

namespace RabbitArq.Workers;

/// <summary>
/// Durations in buckets that grow by 1/8 of a power of two, from 1 µs to weeks: a percentile is at most 12.5 % above the
/// truth, in 2.5 KiB, without locks. (Histograms of the runtime's meters are only readable by a listener.)
/// </summary>
internal sealed class DurationHistogram
{
    private const int SubBuckets = 8;
    private readonly long[] _counts = new long[40 * SubBuckets];
    private long _maxTicks;

    public TimeSpan Max => TimeSpan.FromTicks(Interlocked.Read(ref _maxTicks));

    public void Add(TimeSpan duration)
    {
        Interlocked.Increment(ref _counts[BucketOf(duration)]);
        long seen;
        while (duration.Ticks > (seen = Interlocked.Read(ref _maxTicks)))
        {
            Interlocked.CompareExchange(ref _maxTicks, duration.Ticks, seen);
        }
    }

    /// <summary>The duration that a part of all stayed below.</summary>
    /// <param name="fraction">The part, 0 to 1.</param>
    /// <returns>The upper bound of its bucket, never above the longest; zero when nothing was added.</returns>
    public TimeSpan Percentile(double fraction)
    {
        var total = 0L;
        foreach (ref var count in _counts.AsSpan())
        {
            total += Interlocked.Read(ref count);
        }

        var rank = (long)Math.Ceiling(total * fraction);
        if (total == 0)
        {
            return TimeSpan.Zero;
        }

        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            rank -= Interlocked.Read(ref _counts[bucket]);
            if (rank <= 0)
            {
                var bound = UpperBoundOf(bucket);
                return bound < Max ? bound : Max;
            }
        }

        return Max;
    }

    private static int BucketOf(TimeSpan duration)
    {
        var micros = Math.Max(1, (ulong)Math.Max(0, duration.Ticks / TimeSpan.TicksPerMicrosecond));
        var power = BitOperations.Log2(micros);
        var sub = power >= 3 ? (int)((micros >> (power - 3)) & (SubBuckets - 1)) : (int)((micros << (3 - power)) & (SubBuckets - 1));
        return Math.Min((power * SubBuckets) + sub, (40 * SubBuckets) - 1);
    }

    private static TimeSpan UpperBoundOf(int bucket)
    {
        var (power, sub) = Math.DivRem(bucket, SubBuckets);
        return TimeSpan.FromMicroseconds(Math.Pow(2, power) * (1 + ((sub + 1) / (double)SubBuckets)));
    }
}
