using System.Text.RegularExpressions;

namespace RabbitArq.Tests.Engineering;

/// <summary>The regions of C# files by name, as documents show them.</summary>
internal static partial class CSharpSnippets
{
    /// <summary>The regions of a file, without the indentation that all their lines have.</summary>
    public static IEnumerable<(string Name, string Code)> Of(string source)
    {
        var lines = source.ReplaceLineEndings("\n").Split('\n');
        for (var at = 0; at < lines.Length; at++)
        {
            if (Region().Match(lines[at]) is { Success: true } region)
            {
                var code = lines.Skip(at + 1).TakeWhile(line => !line.TrimStart().StartsWith("#endregion", StringComparison.Ordinal)).ToList();
                var indentation = code.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
                yield return (region.Groups[1].Value, string.Join('\n', code.Select(line => line.Length > 0 ? line[indentation..] : line)));
            }
        }
    }

    /// <summary>Comments may be in the reader's language, so they do not count.</summary>
    public static string WithoutComments(string code) => Comment().Replace(code, "").TrimEnd('\n');

    [GeneratedRegex(@"^\s*#region ([a-z-]+)$")]
    private static partial Regex Region();

    [GeneratedRegex(@"(^|(?<=\n))[ ]*//[^\n]*\n|[ ]+//[^\n]*")]
    private static partial Regex Comment();
}
