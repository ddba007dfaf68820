using System.Globalization;

namespace RabbitArq.Benchmarks;

/// <summary>Which part somebody has in a comparison.</summary>
internal enum Role
{
    /// <summary>RabbitArq: the figure that counts.</summary>
    Ours,

    /// <summary>The bare client: the figure that it is held against.</summary>
    Bare,

    /// <summary>Another way, on either side, for information.</summary>
    Extra,
}

/// <summary>One measurement: the main figure (a rate, or the median latency) and, for latencies, the 99th percentile.</summary>
internal readonly record struct Sample(double Value, double? P99 = null)
{
    /// <summary>Processor time of this process for each job; null: not told.</summary>
    public double? CpuMicroseconds { get; init; }

    /// <summary>Bytes that this process allocated for each job; null: not told.</summary>
    public double? AllocatedBytes { get; init; }
}

/// <summary>One way of doing the work.</summary>
/// <param name="Name">For people.</param>
/// <param name="Role">Its part.</param>
/// <param name="RunAsync">Does it once.</param>
internal sealed record Contestant(string Name, Role Role, Func<CancellationToken, Task<Sample>> RunAsync);

/// <summary>
/// Runs contestants alternately: some rounds to warm up, then each pair with the order turned round, so that a machine that
/// grows slower or faster meanwhile favours nobody.
/// </summary>
internal sealed class Contest(string unit, IReadOnlyList<Contestant> contestants, BenchmarkSettings settings)
{
    public string Unit => unit;

    public IReadOnlyList<Contestant> Contestants => contestants;

    /// <summary>The samples by pair, then by contestant.</summary>
    public List<Sample[]> Pairs { get; } = [];

    public async Task RunAsync(Action<int, Sample[]> onPair, CancellationToken stop)
    {
        for (var pair = 1 - settings.WarmUps; pair <= settings.Pairs; pair++)
        {
            var samples = new Sample[contestants.Count];
            for (var i = 0; i < contestants.Count; i++)
            {
                var turn = pair % 2 == 0 ? i : contestants.Count - 1 - i;
                samples[turn] = await RunOneAsync(contestants[turn], stop);
            }

            if (pair > 0)
            {
                Pairs.Add(samples);
                onPair(pair, samples);
            }
        }
    }

    /// <summary>Runs one contestant as often as there would be pairs.</summary>
    /// <exception cref="BenchmarkException">There is none of that letter.</exception>
    public async Task RunAloneAsync(char letter, TextWriter output, CancellationToken stop)
    {
        var contestant = letter - 'A' < contestants.Count ? contestants[letter - 'A'] : throw new BenchmarkException($"--only {letter}: this measure has no such contestant.");
        await output.WriteLineAsync($"{contestant.Name}, {unit}");
        for (var round = 1 - settings.WarmUps; round <= settings.Pairs; round++)
        {
            var sample = await RunOneAsync(contestant, stop);
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"  {round,3} {sample.Value,12:#,0.00} {sample.P99,12:0.00} {sample.CpuMicroseconds,8:0.0} {sample.AllocatedBytes,8:0}"));
        }
    }

    public double Median(int contestant) => MedianOf(Pairs.Select(pair => pair[contestant].Value));

    public double? MedianP99(int contestant) => MedianOf(contestant, static sample => sample.P99);

    public double? MedianCpu(int contestant) => MedianOf(contestant, static sample => sample.CpuMicroseconds);

    public int IndexOf(Role role) => contestants.Select((contestant, index) => (contestant, index)).First(c => c.contestant.Role == role).index;

    public static double MedianOf(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    public double? MedianAllocated(int contestant) => MedianOf(contestant, static sample => sample.AllocatedBytes);

    private double? MedianOf(int contestant, Func<Sample, double?> figure) =>
        Pairs.All(pair => figure(pair[contestant]) is not null) ? MedianOf(Pairs.Select(pair => figure(pair[contestant])!.Value)) : null;

    private async Task<Sample> RunOneAsync(Contestant contestant, CancellationToken stop)
    {
        // The garbage of the one before must not be collected at the cost of this one.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(settings.Deadline);
        try
        {
            return await contestant.RunAsync(deadline.Token).WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new BenchmarkException($"{contestant.Name}: not done after {settings.Deadline.TotalSeconds:0} s (--deadline).");
        }
    }
}
