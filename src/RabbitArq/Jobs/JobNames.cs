using System.Text;

namespace RabbitArq.Jobs;

/// <summary>The rule that makes a wire name from a method's name.</summary>
internal static class JobNames
{
    /// <summary><c>CountWordsAsync</c> → <c>count_words</c>, <c>SendHTTPRequest</c> → <c>send_http_request</c>, <c>step2</c> stays.</summary>
    public static string FromMethod(string methodName)
    {
        // A local function's compiled name is <Outer>g__Name|0_0.
        var local = methodName.IndexOf("g__", StringComparison.Ordinal);
        if (methodName.StartsWith('<') && local > 0)
        {
            methodName = methodName[(local + 3)..];
            var bar = methodName.IndexOf('|', StringComparison.Ordinal);
            methodName = bar < 0 ? methodName : methodName[..bar];
        }

        if (methodName.Length > 5 && methodName.EndsWith("Async", StringComparison.Ordinal))
        {
            methodName = methodName[..^5];
        }

        var name = new StringBuilder(methodName.Length + 8);
        for (var i = 0; i < methodName.Length; i++)
        {
            var c = methodName[i];
            if (char.IsUpper(c) && i > 0 && methodName[i - 1] != '_'
                && (!char.IsUpper(methodName[i - 1]) || (i + 1 < methodName.Length && char.IsLower(methodName[i + 1]))))
            {
                name.Append('_');
            }

            name.Append(char.ToLowerInvariant(c));
        }

        return name.ToString();
    }
}
