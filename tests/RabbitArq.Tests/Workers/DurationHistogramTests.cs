using RabbitArq.Workers;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Workers;

public sealed class DurationHistogramTests
{
    [Fact]
    public void Percentiles_are_at_most_an_eighth_above_the_truth_to_the_microsecond_and_never_above_the_longest()
    {
        var random = new Random(7);
        var histogram = new DurationHistogram();
        var durations = Enumerable.Range(0, 5000).Select(_ => TimeSpan.FromMicroseconds(Math.Pow(10, random.NextDouble() * 9))).Order().ToArray();
        foreach (var duration in durations.OrderBy(_ => random.Next()))
        {
            histogram.Add(duration);
        }

        foreach (var fraction in new[] { 0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1 })
        {
            var truth = durations[(int)Math.Ceiling(durations.Length * fraction) - 1];
            histogram.Percentile(fraction).ShouldBeInRange(truth - TimeSpan.FromMicroseconds(1), (truth * 1.125) + TimeSpan.FromMicroseconds(1), $"{fraction}");
        }

        histogram.Max.ShouldBe(durations[^1]);
        histogram.Percentile(1).ShouldBeLessThanOrEqualTo(histogram.Max);
    }

    [Fact]
    public void Nothing_zero_negative_and_enormous_durations_are_taken()
    {
        var histogram = new DurationHistogram();
        histogram.Percentile(0.5).ShouldBe(TimeSpan.Zero);

        histogram.Add(TimeSpan.Zero);
        histogram.Add(TimeSpan.FromSeconds(-1));
        histogram.Percentile(0.99).ShouldBe(TimeSpan.Zero);
        histogram.Add(TimeSpan.MaxValue);
        histogram.Max.ShouldBe(TimeSpan.MaxValue);
        histogram.Percentile(1).ShouldBeGreaterThan(TimeSpan.FromDays(10));
    }
}
