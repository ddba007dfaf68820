namespace RabbitArq;

/// <summary>How long to wait before a retry. Immutable; the same attempt always has the same base, jitter only adds.</summary>
public sealed class Backoff
{
    private readonly Func<int, TimeSpan> _base;

    private Backoff(Func<int, TimeSpan> @base, TimeSpan cap, double jitter)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cap.Ticks, nameof(cap));
        ArgumentOutOfRangeException.ThrowIfNegative(jitter);
        _base = @base;
        Cap = cap;
        Jitter = jitter;
    }

    /// <summary>The longest wait before jitter.</summary>
    public TimeSpan Cap { get; }

    /// <summary>Up to which part of the wait is added at random, so that jobs that failed together do not return together: 0.1 is 10 %.</summary>
    public double Jitter { get; }

    /// <summary>Waits <c>first × 2ⁿ</c>: 5 s, 10 s, 20 s …</summary>
    /// <param name="first">The wait before the first retry.</param>
    /// <param name="cap">The longest wait. Default: 1 h.</param>
    /// <param name="jitter">The random part. Default: 0.1.</param>
    /// <returns>The backoff.</returns>
    public static Backoff Exponential(TimeSpan first, TimeSpan? cap = null, double jitter = 0.1) =>
        new(attempt => Scale(first, Math.Pow(2, attempt - 1)), cap ?? TimeSpan.FromHours(1), jitter);

    /// <summary>Waits <c>first × n</c>: 5 s, 10 s, 15 s …</summary>
    /// <param name="first">The wait before the first retry.</param>
    /// <param name="cap">The longest wait. Default: 1 h.</param>
    /// <param name="jitter">The random part. Default: 0.1.</param>
    /// <returns>The backoff.</returns>
    public static Backoff Linear(TimeSpan first, TimeSpan? cap = null, double jitter = 0.1) =>
        new(attempt => Scale(first, attempt), cap ?? TimeSpan.FromHours(1), jitter);

    /// <summary>Waits the same before every retry.</summary>
    /// <param name="wait">The wait.</param>
    /// <param name="jitter">The random part. Default: 0.</param>
    /// <returns>The backoff.</returns>
    public static Backoff Constant(TimeSpan wait, double jitter = 0) => new(_ => wait, wait, jitter);

    /// <summary>Waits what a function says.</summary>
    /// <param name="wait">From the attempt that failed, from 1, to the wait before the next.</param>
    /// <param name="cap">The longest wait. Default: none.</param>
    /// <param name="jitter">The random part. Default: 0.</param>
    /// <returns>The backoff.</returns>
    public static Backoff Custom(Func<int, TimeSpan> wait, TimeSpan? cap = null, double jitter = 0) =>
        new(wait ?? throw new ArgumentNullException(nameof(wait)), cap ?? TimeSpan.MaxValue, jitter);

    /// <summary>The wait after an attempt has failed.</summary>
    /// <param name="failedAttempt">The attempt that failed, from 1.</param>
    /// <param name="random">Where the jitter comes from.</param>
    /// <returns>The wait, never negative.</returns>
    public TimeSpan DelayAfter(int failedAttempt, Random random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(failedAttempt, 1);
        ArgumentNullException.ThrowIfNull(random);
        var wait = _base(failedAttempt);
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : wait > Cap ? Cap : wait;
        return Jitter == 0 ? wait : Scale(wait, 1 + (Jitter * random.NextDouble()));
    }

    private static TimeSpan Scale(TimeSpan wait, double factor)
    {
        var ticks = wait.Ticks * factor;
        return ticks >= TimeSpan.MaxValue.Ticks ? TimeSpan.MaxValue : TimeSpan.FromTicks((long)ticks);
    }
}
