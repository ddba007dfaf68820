using System.Buffers;
using System.Globalization;

namespace RabbitArq.Hosting.Settings;

/// <summary>Durations as people write them: <c>300</c> (seconds), <c>0.5</c>, <c>5m</c>, <c>1h30m</c>, <c>250ms</c>, <c>00:05:00</c>.</summary>
internal static class DurationText
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    private static readonly (string Unit, TimeSpan Length)[] Units =
    [
        ("d", TimeSpan.FromDays(1)),
        ("h", TimeSpan.FromHours(1)),
        ("m", TimeSpan.FromMinutes(1)),
        ("s", TimeSpan.FromSeconds(1)),
        ("ms", TimeSpan.FromMilliseconds(1)),
    ];

    public static bool TryParse(string text, out TimeSpan duration)
    {
        text = text.Trim();
        if (text.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration);
        }

        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds))
        {
            return FromTicks(seconds * TimeSpan.TicksPerSecond, out duration);
        }

        return TryParseUnits(text, out duration);
    }

    /// <summary>The shortest exact form: <c>5m</c>, <c>1h30m</c>, <c>250ms</c>, <c>0s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }

        if (duration < TimeSpan.Zero || duration.Ticks % TimeSpan.TicksPerMillisecond != 0)
        {
            return duration.TotalSeconds.ToString("0.#######", CultureInfo.InvariantCulture) + "s";
        }

        // 24h and 36h read better than 1d and 1d12h; from two days on the days do.
        var text = "";
        foreach (var (unit, length) in duration.Ticks % TimeSpan.TicksPerDay == 0 && duration > TimeSpan.FromDays(1) ? Units : Units[1..])
        {
            var count = duration.Ticks / length.Ticks;
            if (count > 0)
            {
                text += count.ToString(CultureInfo.InvariantCulture) + unit;
                duration -= length * count;
            }
        }

        return text;
    }

    private static bool TryParseUnits(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            rest = rest[digits..];
            var letters = rest.IndexOfAnyInRange('0', '9') is >= 0 and var next ? next : rest.Length;
            var unit = rest[..letters].Trim().ToString();
            var found = Array.FindIndex(Units, u => u.Unit.Equals(unit, StringComparison.OrdinalIgnoreCase));
            if (found < 0 || !FromTicks(duration.Ticks + (number * Units[found].Length.Ticks), out duration))
            {
                return false;
            }

            rest = rest[letters..];
        }

        return text.Length > 0;
    }

    private static bool FromTicks(double ticks, out TimeSpan duration)
    {
        var fits = double.IsFinite(ticks) && Math.Abs(ticks) < TimeSpan.MaxValue.Ticks;
        duration = fits ? new TimeSpan((long)Math.Round(ticks)) : default;
        return fits;
    }
}
