namespace RabbitArq.Sqlite.Engine;

/// <summary>AMQP topic matching: words between dots; <c>*</c> is exactly one word, <c>#</c> any number of them, also none.</summary>
internal static class TopicPattern
{
    public static bool Matches(string pattern, string routingKey) =>
        pattern == "#"
        || (pattern.AsSpan().IndexOfAny('*', '#') < 0 ? pattern == routingKey : Matches(pattern.Split('.'), routingKey.Split('.')));

    /// <summary>
    /// Reachable positions, one word of the pattern at a time, so that several <c>#</c> cost words × words and not more.
    /// </summary>
    private static bool Matches(string[] pattern, string[] words)
    {
        // reached[i]: the pattern so far can have consumed exactly i words.
        var reached = new bool[words.Length + 1];
        reached[0] = true;
        foreach (var part in pattern)
        {
            if (part == "#")
            {
                var first = Array.IndexOf(reached, true);
                if (first < 0)
                {
                    return false;
                }

                Array.Fill(reached, true, first, reached.Length - first);
                continue;
            }

            for (var i = words.Length; i > 0; i--)
            {
                reached[i] = reached[i - 1] && (part == "*" || part == words[i - 1]);
            }

            reached[0] = false;
        }

        return reached[words.Length];
    }
}
