namespace RabbitArq.Hosting.Settings;

/// <summary>Finds what somebody may have meant.</summary>
internal static class NearestName
{
    /// <summary>The nearest candidate; null: none is near.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What is known.</param>
    /// <param name="compare">What of a name counts; null: all of it.</param>
    public static string? Find(string name, IEnumerable<string> candidates, Func<string, string>? compare = null)
    {
        compare ??= static text => text;
        var written = compare(name);
        var best = candidates.Select(candidate => (Candidate: candidate, Distance: Distance(written, compare(candidate))))
            .OrderBy(pair => pair.Distance).FirstOrDefault();

        // A third of the letters may be wrong: farther off, advice only misleads.
        return best.Candidate is not null && best.Distance <= Math.Max(2, written.Length / 3) ? best.Candidate : null;
    }

    /// <summary>Letters to insert, delete, replace, or swap with their neighbour.</summary>
    public static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }

                var replace = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(replace, 1 + Math.Min(rows[i - 1, j], rows[i, j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], 1 + rows[i - 2, j - 2]);
                }
            }
        }

        return rows[a.Length, b.Length];
    }
}
