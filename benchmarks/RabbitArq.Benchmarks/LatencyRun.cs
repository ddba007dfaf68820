using System.Diagnostics;

namespace RabbitArq.Benchmarks;

/// <summary>Sends at a steady rate and takes the time from each send to its arrival.</summary>
/// <param name="messages">How many are measured, after a tenth more that are not.</param>
/// <param name="rate">How many a second.</param>
internal sealed class LatencyRun(int messages, int rate)
{
    private readonly int _unmeasured = Math.Max(10, messages / 10);
    private readonly long[] _sent = new long[messages + Math.Max(10, messages / 10)];
    private readonly long[] _arrived = new long[messages + Math.Max(10, messages / 10)];
    private readonly FinishLine _line = new(messages + Math.Max(10, messages / 10));

    /// <summary>The first line of the job, or of the bare handler.</summary>
    /// <param name="number">Which message it is, from 0.</param>
    public void Arrived(int number)
    {
        _arrived[number] = Stopwatch.GetTimestamp();
        _line.Arrive();
    }

    /// <summary>Sends all and waits until all have arrived.</summary>
    /// <returns>The median and the 99th percentile in milliseconds.</returns>
    public async Task<Sample> RunAsync(string who, Func<int, CancellationToken, Task> sendAsync, CancellationToken deadline)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / rate));
        var sending = new Task[_sent.Length];
        for (var i = 0; i < _sent.Length; i++)
        {
            await timer.WaitForNextTickAsync(deadline);
            _sent[i] = Stopwatch.GetTimestamp();

            // Not awaited here: a slow confirm must not slow the rate.
            sending[i] = sendAsync(i, deadline);
        }

        await Task.WhenAll(sending).WaitAsync(deadline);
        await _line.WaitAsync(who, deadline);
        var sorted = Enumerable.Range(_unmeasured, messages).Select(i => Stopwatch.GetElapsedTime(_sent[i], _arrived[i]).TotalMilliseconds).Order().ToArray();
        return new Sample(At(sorted, 0.5), At(sorted, 0.99));
    }

    private static double At(double[] sorted, double fraction) => sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * fraction) - 1)];
}
