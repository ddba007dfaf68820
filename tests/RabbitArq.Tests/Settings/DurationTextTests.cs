using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using RabbitArq.Hosting.Settings;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Settings;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("300", "00:05:00")]
    [InlineData("0", "00:00:00")]
    [InlineData("0.5", "00:00:00.5")]
    [InlineData("1e3", "00:16:40")]
    [InlineData("00:05:00", "00:05:00")]
    [InlineData("1.02:00:00", "1.02:00:00")]
    [InlineData("5m", "00:05:00")]
    [InlineData("300s", "00:05:00")]
    [InlineData("24h", "1.00:00:00")]
    [InlineData("7d", "7.00:00:00")]
    [InlineData("250ms", "00:00:00.25")]
    [InlineData("1h30m", "01:30:00")]
    [InlineData(" 5 M ", "00:05:00")]
    [InlineData("1.5h", "01:30:00")]
    public void A_duration_can_be_written_in_many_ways(string text, string expected)
    {
        DurationText.TryParse(text, out var duration).ShouldBeTrue();
        duration.ShouldBe(TimeSpan.Parse(expected, CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("5x")]
    [InlineData("m")]
    [InlineData("5m3")]
    [InlineData("1,5")]
    [InlineData("NaN")]
    [InlineData("1e300")]
    [InlineData("99999999999d")]
    [InlineData("25:61:00")]
    [InlineData("5..5s")]
    public void What_is_no_duration_is_not_taken_for_one(string text)
    {
        DurationText.TryParse(text, out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("00:00:00", "0s")]
    [InlineData("00:00:05", "5s")]
    [InlineData("00:05:00", "5m")]
    [InlineData("01:30:00", "1h30m")]
    [InlineData("1.00:00:00", "24h")]
    [InlineData("30.00:00:00", "30d")]
    [InlineData("00:00:02.500", "2s500ms")]
    [InlineData("00:00:00.0000001", "0.0000001s")]
    public void A_duration_is_shown_in_its_shortest_form(string duration, string expected)
    {
        DurationText.Format(TimeSpan.Parse(duration, CultureInfo.InvariantCulture)).ShouldBe(expected);
    }

    [Fact]
    public void What_is_shown_is_read_as_the_same_duration()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), ArbMap.Default.ArbFor<bool>(), (number, whole) =>
        {
            var duration = TimeSpan.FromTicks(Math.Abs((long)number) * (whole ? TimeSpan.TicksPerMillisecond : 7));
            return DurationText.TryParse(DurationText.Format(duration), out var read) && read == duration;
        }).QuickCheckThrowOnFailure();
    }
}
