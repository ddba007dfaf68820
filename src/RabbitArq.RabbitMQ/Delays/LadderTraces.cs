namespace RabbitArq.RabbitMQ.Delays;

/// <summary>Removes what the trip through the ladder left on a message: it shall look as if it had been published when due.</summary>
internal static class LadderTraces
{
    private const string Deaths = "x-death";

    /// <summary>Drops the ladder's own entries from the dead-letter facts of a message; those of other queues stay.</summary>
    public static IReadOnlyDictionary<string, object?> Remove(IReadOnlyDictionary<string, object?> headers)
    {
        if (!headers.TryGetValue(Deaths, out var value) || value is not IReadOnlyList<object?> deaths || !deaths.Any(IsLadder))
        {
            return headers;
        }

        var cleaned = headers.Where(pair => !IsDeathFact(pair.Key)).ToDictionary();
        var others = deaths.Where(death => !IsLadder(death)).ToList();
        if (others.Count > 0)
        {
            // Newest first.
            cleaned[Deaths] = others;
            AddFacts(cleaned, "x-first-death-", others[^1]);
            if (headers.ContainsKey("x-last-death-queue"))
            {
                AddFacts(cleaned, "x-last-death-", others[0]);
            }
        }

        return cleaned;
    }

    private static void AddFacts(Dictionary<string, object?> headers, string prefix, object? death)
    {
        if (death is IReadOnlyDictionary<string, object?> table)
        {
            foreach (var fact in (string[])["queue", "reason", "exchange"])
            {
                if (table.TryGetValue(fact, out var value))
                {
                    headers[prefix + fact] = value;
                }
            }
        }
    }

    private static bool IsDeathFact(string name) =>
        name == Deaths
        || name.StartsWith("x-first-death-", StringComparison.Ordinal)
        || name.StartsWith("x-last-death-", StringComparison.Ordinal);

    private static bool IsLadder(object? death) =>
        death is IReadOnlyDictionary<string, object?> table
        && table.TryGetValue("queue", out var queue) && queue is string name && LadderNames.IsOurs(name);
}
