namespace RabbitArq.Benchmarks;

/// <summary>Counts arrivals of one measurement: from the first to the last is the time that counts, on either side.</summary>
/// <param name="expected">How many will come.</param>
internal sealed class FinishLine(int expected)
{
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private WorkClock _first;
    private WorkClock _last;

    public int Count => Volatile.Read(ref _count);

    /// <summary>One has arrived; called on any thread.</summary>
    /// <returns>Which one it is, from 1.</returns>
    public int Arrive()
    {
        var count = Interlocked.Increment(ref _count);
        if (count == 1)
        {
            _first = WorkClock.Now;
        }

        if (count == expected)
        {
            _last = WorkClock.Now;
            _all.TrySetResult();
        }

        return count;
    }

    /// <summary>Waits for the last one.</summary>
    /// <returns>How many arrived per second after the first, and what each took of this process's processor time.</returns>
    /// <exception cref="BenchmarkException">They did not all come in time.</exception>
    public async Task<Sample> RateAsync(string who, CancellationToken deadline)
    {
        await WaitAsync(who, deadline);
        return _first.Until(_last, Math.Max(1, expected - 1));
    }

    /// <inheritdoc cref="RateAsync"/>
    public async Task WaitAsync(string who, CancellationToken deadline)
    {
        try
        {
            await _all.Task.WaitAsync(deadline);
        }
        catch (OperationCanceledException)
        {
            throw new BenchmarkException($"{who}: {Count} of {expected} messages came before the deadline.");
        }
    }
}
