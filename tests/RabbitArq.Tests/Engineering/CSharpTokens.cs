using System.Text.RegularExpressions;

namespace RabbitArq.Tests.Engineering;

/// <summary>
/// Splits C# into identifiers and signs, without comments and literals; code inside interpolated strings stays. Enough to
/// see which types a file names; not a compiler.
/// </summary>
internal static partial class CSharpTokens
{
    public static IReadOnlyList<string> Of(string source)
    {
        var tokens = new List<string>();
        Read(source, 0, source.Length, tokens);
        return tokens;
    }

    private static void Read(string source, int start, int end, List<string> tokens)
    {
        for (var at = start; at < end;)
        {
            if (Literal(source, at) is { } literal)
            {
                foreach (var (holeStart, holeEnd) in literal.Holes)
                {
                    Read(source, holeStart, holeEnd, tokens);
                }

                at = literal.End;
            }
            else if (TokenPattern().Match(source, at) is { Success: true } token && token.Index == at && token.Length <= end - at)
            {
                tokens.Add(token.Value.TrimStart('@'));
                at += token.Length;
            }
            else
            {
                at++;
            }
        }
    }

    /// <summary>A comment, directive, text or character that begins here, and the code inside it.</summary>
    private static (int End, List<(int Start, int End)> Holes)? Literal(string source, int at)
    {
        if (TriviaPattern().Match(source, at) is { Success: true } trivia && trivia.Index == at)
        {
            return (at + trivia.Length, []);
        }

        if (OpeningPattern().Match(source, at) is not { Success: true } opening || opening.Index != at)
        {
            return null;
        }

        var dollars = opening.Value.Count(sign => sign == '$');
        var quotes = opening.Value.Count(sign => sign == '"');
        return ReadText(
            source, at + opening.Length, dollars, quotes == 2 ? 1 : quotes, verbatim: opening.Value.Contains('@', StringComparison.Ordinal), empty: quotes == 2);
    }

    private static (int End, List<(int Start, int End)> Holes) ReadText(
        string source, int at, int dollars, int quotes, bool verbatim, bool empty)
    {
        var holes = new List<(int, int)>();
        if (empty)
        {
            return (at, holes);
        }

        var close = new string('"', quotes);
        while (at < source.Length)
        {
            if (string.CompareOrdinal(source, at, close, 0, quotes) == 0)
            {
                if (!verbatim || quotes > 1 || !source.AsSpan(at).StartsWith("\"\""))
                {
                    return (at + quotes, holes);
                }

                at += 2;
            }
            else if (source[at] == '\\' && !verbatim && quotes == 1)
            {
                at += 2;
            }
            else if (dollars > 0 && source[at] == '{')
            {
                var braces = source.AsSpan(at).IndexOfAnyExcept('{');
                if (quotes == 1 ? braces % 2 == 0 : braces < dollars)
                {
                    at += braces;
                }
                else
                {
                    var end = HoleEnd(source, at + braces);
                    holes.Add((at + braces, end));
                    at = end;
                }
            }
            else
            {
                at++;
            }
        }

        return (at, holes);
    }

    private static int HoleEnd(string source, int at)
    {
        for (var depth = 0; at < source.Length;)
        {
            if (Literal(source, at) is { } literal)
            {
                at = literal.End;
                continue;
            }

            if (source[at] == '}' && depth-- == 0)
            {
                return at;
            }

            depth += source[at] == '{' ? 1 : 0;
            at++;
        }

        return at;
    }

    [GeneratedRegex(@"\G(?://[^\n]*|/\*.*?\*/|'(?:\\.[^']*|[^'\\])'|(?<=^[ \t]*)\#[^\n]*)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex TriviaPattern();

    [GeneratedRegex("""\G(?:\$+@?|@\$?)?(?:"{3,}|""(?!")|")""")]
    private static partial Regex OpeningPattern();

    [GeneratedRegex(@"\G(?:@?[\p{L}_][\p{L}\p{Nd}_]*|\d[\w.]*|=>|==|!=|::|\?\?|\?\.|&&|\|\||\S)")]
    private static partial Regex TokenPattern();
}
