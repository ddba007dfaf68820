namespace RabbitArq.Tests.Engineering;

/// <summary>
/// Finds uses of a type by a folder that must not know it. A folder may use itself and every folder before it in the
/// list. A type is known by its name, so one name in two folders is allowed wherever one of them is.
/// </summary>
internal sealed class FolderArrows
{
    /// <summary>
    /// Folders of the core from bottom to top; "" is the root folder. Texts and log messages come first: all use them.
    /// Retries stand below jobs, since they know only envelopes and exceptions, and a job's options hold its backoff.
    /// </summary>
    public static readonly IReadOnlyList<string> Order =
    [
        "", "Localization", "Diagnostics", "Internal",
        "Messages", "Retries", "Jobs",
        "Routing", "Brokers", "Results", "MessageLog", "Uniqueness", "Throttling",
        "Execution", "Control",
        "Client", "Workers", "Messaging",
        "Schedules", "Inspection", "Health",
        "Hosting",
    ];

    private static readonly HashSet<string> BuiltInTypes =
    [
        "bool", "byte", "char", "decimal", "double", "float", "int", "long", "nint", "nuint", "object", "sbyte", "short",
        "string", "uint", "ulong", "ushort", "void", "dynamic", "var",
    ];

    private static readonly HashSet<string> Keywords =
    [
        "abstract", "as", "async", "await", "base", "break", "case", "catch", "class", "const", "continue", "default", "delegate",
        "do", "else", "enum", "event", "explicit", "extern", "field", "finally", "fixed", "for", "foreach", "get", "goto", "if",
        "implicit", "in", "init", "interface", "internal", "is", "lock", "namespace", "new", "not", "operator", "or", "and", "out",
        "override", "params", "partial", "private", "protected", "public", "readonly", "record", "ref", "required", "return",
        "scoped", "sealed", "set", "sizeof", "stackalloc", "static", "struct", "switch", "this", "throw", "try", "typeof",
        "unchecked", "unsafe", "using", "value", "virtual", "volatile", "when", "where", "while", "with", "yield",
    ];

    private readonly SortedDictionary<string, IReadOnlyList<string>> _tokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _foldersOfType = [];

    /// <summary>Creates it over files: path inside the project, and source.</summary>
    public FolderArrows(IEnumerable<KeyValuePair<string, string>> files)
    {
        foreach (var (path, source) in files)
        {
            var tokens = CSharpTokens.Of(source);
            _tokens[path] = tokens;
            foreach (var type in Declared(tokens))
            {
                if (!_foldersOfType.TryGetValue(type, out var folders))
                {
                    _foldersOfType[type] = folders = [];
                }

                folders.Add(FolderOf(path));
            }
        }
    }

    /// <summary>One line for each file and type: who uses what it must not.</summary>
    public IReadOnlyList<string> Violations()
    {
        var lines = new List<string>();
        foreach (var (path, tokens) in _tokens)
        {
            var folder = FolderOf(path);
            var height = Height(folder);
            if (height < 0)
            {
                lines.Add($"{path} -> the folder {folder} has no place in the list of folders");
                continue;
            }

            foreach (var type in Used(tokens).Distinct().Where(_foldersOfType.ContainsKey).Order(StringComparer.Ordinal))
            {
                if (_foldersOfType[type].All(other => Height(other) > height))
                {
                    lines.Add($"{path} -> {type} -> {string.Join(" or ", _foldersOfType[type].Order(StringComparer.Ordinal))}");
                }
            }
        }

        return lines;
    }

    private static string FolderOf(string path) => path.Contains('/', StringComparison.Ordinal) ? path[..path.IndexOf('/', StringComparison.Ordinal)] : "";

    private static int Height(string folder) => Order.Index().Where(entry => entry.Item == folder).Select(entry => entry.Index).DefaultIfEmpty(-1).First();

    /// <summary>The types declared directly in a file-scoped namespace; nested ones are their owner's affair.</summary>
    private static IEnumerable<string> Declared(IReadOnlyList<string> tokens)
    {
        var depth = 0;
        for (var at = 0; at < tokens.Count - 1; at++)
        {
            depth += tokens[at] is "{" or "(" ? 1 : tokens[at] is "}" or ")" ? -1 : 0;
            if (depth != 0)
            {
                continue;
            }

            if (tokens[at] is "class" or "struct" or "interface" or "enum" or "record" && IsName(tokens[at + 1]))
            {
                yield return tokens[at + 1];
            }
            else if (tokens[at] == "delegate" && tokens.Skip(at).TakeWhile(token => token != ";").ToList() is var words && words.Contains("("))
            {
                yield return words.Take(words.IndexOf("(")).Last(IsName);
            }
        }
    }

    /// <summary>The identifiers that can be the name of a type where they stand.</summary>
    private static IEnumerable<string> Used(IReadOnlyList<string> tokens)
    {
        var values = Enumerable.Range(1, Math.Max(0, tokens.Count - 2))
            .Where(at => IsName(tokens[at]) && IsDeclaredValue(tokens[at - 1], tokens[at + 1]))
            .Select(at => tokens[at])
            .ToHashSet();
        for (var at = 0; at < tokens.Count; at++)
        {
            if (tokens[at] == "enum")
            {
                at = EndOfBody(tokens, at);
                continue;
            }

            var before = at > 0 ? tokens[at - 1] : "";
            var after = at + 1 < tokens.Count ? tokens[at + 1] : "";

            // "Worker Worker { get; }": what follows with that name is the property, unless it stands where only a type can.
            var isValue = values.Contains(tokens[at]) && before is not ("new" or "<") && !IsName(after);
            if (IsName(tokens[at]) && !isValue && CanBeAType(tokens, at, before, after))
            {
                yield return tokens[at];
                if (before is "[" or ",")
                {
                    yield return tokens[at] + "Attribute";
                }
            }
        }
    }

    private static bool CanBeAType(IReadOnlyList<string> tokens, int at, string before, string after) => (before, after) switch
    {
        // A member of something: only behind a namespace can it be a type.
        (".", _) => at > 1 && (tokens[at - 2] == "RabbitArq" || Order.Contains(tokens[at - 2])),
        ("?.", _) => false,

        // What is given a value, or is a named argument.
        (_, "=") => before == "using",
        (_, ":") => false,

        // A call, unless it makes something or is an attribute or a base class.
        (not ("new" or "[" or ":"), "(") => false,

        _ => !IsDeclaredValue(before, after),
    };

    /// <summary>"Type Name": the second is a member, a parameter or a variable.</summary>
    private static bool IsDeclaredValue(string before, string after) =>
        after is "{" or "=>" or "=" or ";" or "," or ")" or "in" && EndsAType(before);

    private static bool EndsAType(string token) => token is ">" or "]" or "?" || BuiltInTypes.Contains(token) || IsName(token);

    private static bool IsName(string token) =>
        (char.IsLetter(token[0]) || token[0] == '_') && !Keywords.Contains(token) && !BuiltInTypes.Contains(token);

    private static int EndOfBody(IReadOnlyList<string> tokens, int at)
    {
        while (at < tokens.Count && tokens[at] != "}")
        {
            at++;
        }

        return at;
    }
}
