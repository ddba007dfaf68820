using System.Text.RegularExpressions;

namespace RabbitArq.Tests.Engineering;

/// <summary>A Markdown file as far as the tests of the documents need it.</summary>
internal sealed partial class DocumentFile
{
    private readonly string[] _lines;

    public DocumentFile(string path, string text)
    {
        Path = path;
        _lines = text.ReplaceLineEndings("\n").Split('\n');
        Blocks = [.. FindBlocks()];
    }

    public string Path { get; }

    /// <summary>The fenced blocks in their order.</summary>
    public IReadOnlyList<(string Language, string? Snippet, string Code)> Blocks { get; }

    /// <summary>What a translation must have in common: headings, blocks, tables, lists and links, in their order.</summary>
    public IEnumerable<string> Structure
    {
        get
        {
            var block = 0;
            foreach (var (line, inside) in WithFences())
            {
                if (line.StartsWith("```", StringComparison.Ordinal) && !inside)
                {
                    var (language, snippet, code) = Blocks[block++];

                    // The text of a program's output is translated with the document.
                    yield return $"block {language} {snippet} {(language == "text" ? code.Count(c => c == '\n') : CSharpSnippets.WithoutComments(code))}";
                }
                else if (!inside && StructureOf(line) is { } part)
                {
                    yield return part;
                }
            }
        }
    }

    /// <summary>The targets of links to files, without the part behind <c>#</c>.</summary>
    public IEnumerable<string> LinkedFiles => WithFences().Where(line => !line.Inside)
        .SelectMany(line => Link().Matches(line.Text))
        .Select(match => match.Groups[1].Value.Split('#')[0])
        .Where(target => target.Length > 0 && !target.Contains("://", StringComparison.Ordinal));

    public static DocumentFile Load(string path) => new(Repository.Relative(path), File.ReadAllText(path));

    /// <summary>The rows of the table behind <c>&lt;!-- table: name --&gt;</c>, without its head.</summary>
    public IReadOnlyList<string[]> Table(string name) =>
        [.. _lines.SkipWhile(line => line != $"<!-- table: {name} -->").Skip(3).TakeWhile(line => line.StartsWith('|')).Select(Cells)];

    /// <summary>What stands between backticks.</summary>
    public static IEnumerable<string> Names(string cell) => Code().Matches(cell).Select(match => match.Groups[1].Value);

    private static string[] Cells(string row) => [.. row.Trim('|').Split('|').Select(cell => cell.Trim())];

    private static string? StructureOf(string line) =>
        line.StartsWith('#') ? "heading " + line.TakeWhile(c => c == '#').Count()
        : line.StartsWith('|') ? $"row of {Cells(line).Length}: {string.Join(' ', Names(Cells(line)[0]))}"
        : line.StartsWith("- ", StringComparison.Ordinal) ? "item"
        : NumberedItem().IsMatch(line) ? "step"
        : line.StartsWith("<!--", StringComparison.Ordinal) ? line
        : null;

    private IEnumerable<(string Language, string? Snippet, string Code)> FindBlocks()
    {
        for (var at = 0; at < _lines.Length; at++)
        {
            if (_lines[at].StartsWith("```", StringComparison.Ordinal))
            {
                var code = _lines.Skip(at + 1).TakeWhile(line => !line.StartsWith("```", StringComparison.Ordinal)).ToList();
                var snippet = at > 0 ? Snippet().Match(_lines[at - 1]) : Match.Empty;
                yield return (_lines[at][3..], snippet.Success ? snippet.Groups[1].Value : null, string.Join('\n', code));
                at += code.Count + 1;
            }
        }
    }

    /// <summary>Every line, and whether it is inside a block or ends one.</summary>
    private IEnumerable<(string Text, bool Inside)> WithFences()
    {
        var inside = false;
        foreach (var line in _lines)
        {
            yield return (line, inside);
            inside ^= line.StartsWith("```", StringComparison.Ordinal);
        }
    }

    [GeneratedRegex("^<!-- snippet: ([a-z-]+) -->$")]
    private static partial Regex Snippet();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"^\d+\. ")]
    private static partial Regex NumberedItem();
}
