using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using RabbitArq.Tests.Engineering;

namespace RabbitArq.Tests.Localization;

/// <summary>The texts of one project in both languages, the class that names them, and the sources that use them.</summary>
internal sealed partial class ResourceFile
{
    private const string LogPrefix = "Log_";

    private readonly IReadOnlyDictionary<string, string> _english;
    private readonly IReadOnlyDictionary<string, string> _chinese;
    private readonly string _members;
    private readonly string _project;

    public ResourceFile(string english, string chinese, string members, string project)
    {
        (_english, _chinese, _members, _project) = (Read(english), Read(chinese), members, project);
    }

    /// <summary>Texts that are the same in both languages on purpose: commands to type.</summary>
    private static bool IsSameOnPurpose(string key) => key.StartsWith("Examples", StringComparison.Ordinal);

    /// <summary>Reads the files beside one <c>Texts.resx</c>.</summary>
    public static ResourceFile Load(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        var chinese = Path.Combine(folder, "Texts.zh-CN.resx");
        var members = Path.Combine(folder, "Texts.cs");
        var project = Repository.Files(Repository.Relative(Path.GetDirectoryName(folder)!), "*.cs").Where(file => file != members);
        return new ResourceFile(
            File.ReadAllText(path),
            File.Exists(chinese) ? File.ReadAllText(chinese) : "<root/>",
            File.Exists(members) ? File.ReadAllText(members) : "",
            string.Join('\n', project.Select(File.ReadAllText)));
    }

    /// <summary>One line for each fault.</summary>
    public IReadOnlyList<string> Faults() =>
        [.. Languages().Concat(_english.Keys.Order(StringComparer.Ordinal).SelectMany(Use)).Concat(Members()).Concat(LogMessages())];

    private IEnumerable<string> Languages()
    {
        foreach (var key in _english.Keys.Union(_chinese.Keys).Order(StringComparer.Ordinal))
        {
            if (!_english.TryGetValue(key, out var english) || !_chinese.TryGetValue(key, out var chinese))
            {
                yield return $"{key}: not in {(_english.ContainsKey(key) ? "Texts.zh-CN.resx" : "Texts.resx")}";
                continue;
            }

            if (string.IsNullOrWhiteSpace(english) || string.IsNullOrWhiteSpace(chinese))
            {
                yield return $"{key}: empty";
                continue;
            }

            var isLog = key.StartsWith(LogPrefix, StringComparison.Ordinal);
            if (!Placeholders(english, isLog).SequenceEqual(Placeholders(chinese, isLog)))
            {
                yield return $"{key}: other placeholders ({string.Join(' ', Placeholders(english, isLog))} | {string.Join(' ', Placeholders(chinese, isLog))})";
            }

            var hasWords = PlaceholderPattern().Replace(english, "").Any(char.IsLetter);
            if (hasWords && !HanPattern().IsMatch(chinese) && !(chinese == english && IsSameOnPurpose(key)))
            {
                yield return $"{key}: no Chinese in '{chinese}'";
            }
        }
    }

    /// <summary>A log message's by name and in order, since values are given by place; others' as a set of numbers.</summary>
    private static IEnumerable<string> Placeholders(string text, bool isLog)
    {
        var found = PlaceholderPattern().Matches(text.Replace("{{", "", StringComparison.Ordinal).Replace("}}", "", StringComparison.Ordinal))
            .Select(match => match.Groups[1].Value);

        // Other braces are the text's own, for example those of JSON.
        return isLog ? found : found.Where(name => name.All(char.IsAsciiDigit)).Distinct().Order(StringComparer.Ordinal);
    }

    private IEnumerable<string> Use(string key)
    {
        if (key.StartsWith(LogPrefix, StringComparison.Ordinal))
        {
            var name = key[LogPrefix.Length..];
            if (!Regex.IsMatch(_project, $@"\b{Regex.Escape(name)}\b"))
            {
                yield return $"{key}: no log message has this name";
            }
        }
        else if (!MemberPattern().Matches(_members).Any(match => match.Groups["name"].Value == key))
        {
            yield return $"{key}: no member of Texts has this name";
        }
    }

    private IEnumerable<string> Members()
    {
        foreach (Match member in MemberPattern().Matches(_members))
        {
            var name = member.Groups["name"].Value;
            if (!_english.TryGetValue(name, out var text))
            {
                yield return $"{name}: a member of Texts without a text";
                continue;
            }

            var given = member.Groups["arguments"];
            var arguments = given.Success && given.Value.AsSpan().Trim().Length > 0 ? given.Value.Split(',').Length : 0;
            var numbers = Placeholders(text, isLog: false).ToList();
            if (!numbers.SequenceEqual(Enumerable.Range(0, arguments).Select(number => $"{number}").Order(StringComparer.Ordinal)))
            {
                yield return $"{name}: the text has {{{string.Join("} {", numbers)}}}, the member gives {arguments} values";
            }
            else if (given.Success && !(CanBeFormatted(text) && CanBeFormatted(_chinese.GetValueOrDefault(name, ""))))
            {
                yield return $"{name}: a brace of the text's own must be doubled";
            }
        }
    }

    private static bool CanBeFormatted(string text)
    {
        try
        {
            CompositeFormat.Parse(text);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private IEnumerable<string> LogMessages() => LogUsePattern().Matches(_project)
        .Select(match => match.Groups[1].Value)
        .Where(name => !_english.ContainsKey(LogPrefix + name))
        .Select(name => $"{LogPrefix}{name}: a log message without a text");

    private static Dictionary<string, string> Read(string xml) => XDocument.Parse(xml).Descendants("data")
        .ToDictionary(data => data.Attribute("name")!.Value, data => data.Element("value")?.Value ?? "");

    [GeneratedRegex(@"\{([^{}:,]+)[^{}]*\}")]
    private static partial Regex PlaceholderPattern();

    [GeneratedRegex(@"\p{IsCJKUnifiedIdeographs}")]
    private static partial Regex HanPattern();

    /// <summary>
    /// A member whose text is that of its own name, in the form of src or of the samples; one that takes the key from its
    /// caller is none.
    /// </summary>
    [GeneratedRegex("""
        static\s+string\s+(?<name>\w+)\s*(?:\([^)]*\))?\s*=>\s*(?:
            Source\s*\.\s*(?:Get\(\)|Format\(\s*\[(?<arguments>[^\]]*)\]\s*\))
            |Get\(nameof\(\k<name>\)\)
            |Format\(\s*nameof\(\k<name>\)\s*,(?<arguments>[^)]*)\))
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex MemberPattern();

    [GeneratedRegex(@"LogTemplate\(\s*(?:nameof\()?""?(\w+)""?\)?\s*\)")]
    private static partial Regex LogUsePattern();
}
