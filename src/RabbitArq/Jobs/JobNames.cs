using System.Text;

namespace RabbitArq.Jobs;

/// <summary>The rule that makes a wire name from a method's name.</summary>
internal static class JobNames
{
    /// <summary>Whether a compiled name is a lambda's: <c>&lt;Outer&gt;b__0_0</c>.</summary>
    public static bool IsLambda(string methodName) => methodName.StartsWith('<') && !methodName.Contains(">g__", StringComparison.Ordinal);

    /// <summary>The name as written: of a local function, compiled as <c>&lt;Outer&gt;g__Name|0_0</c>, it is <c>Name</c>.</summary>
    public static string SourceName(string methodName)
    {
        var local = methodName.IndexOf(">g__", StringComparison.Ordinal);
        if (!methodName.StartsWith('<') || local < 0)
        {
            return methodName;
        }

        methodName = methodName[(local + 4)..];
        var bar = methodName.IndexOf('|', StringComparison.Ordinal);
        return bar < 0 ? methodName : methodName[..bar];
    }

    /// <summary><c>CountWordsAsync</c> → <c>count_words</c>, <c>SendHTTPRequest</c> → <c>send_http_request</c>, <c>step2</c> stays.</summary>
    public static string FromMethod(string methodName)
    {
        methodName = SourceName(methodName);
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
