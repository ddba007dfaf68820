using RabbitArq.Cli.Localization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace RabbitArq.Cli.Configuration;

/// <summary>
/// Flattens YAML into keys with dots. It reads the events of the parser rather than objects: only they know the lines.
/// </summary>
internal sealed class YamlSettings
{
    private readonly Parser _parser;
    private readonly string _path;
    private readonly Action<string, string, int> _add;

    private YamlSettings(string text, string path, Action<string, string, int> add)
    {
        _parser = new Parser(new StringReader(text));
        _path = path;
        _add = add;
    }

    public static void Read(string text, string path, Action<string, string, int> add)
    {
        var settings = new YamlSettings(text, path, add);
        try
        {
            settings.ReadDocument();
        }
        catch (InvalidOperationException)
        {
            // What the parser answers when brackets are not closed.
            throw SettingsFile.Unreadable(path, settings._parser.Current?.End.Line ?? 1, Texts.ConfigStructure());
        }
        catch (YamlException) when (FirstTab(text) is { } line)
        {
            // The parser names the line in which the block began.
            throw SettingsFile.Unreadable(path, line, Texts.ConfigTab());
        }
        catch (YamlException exception)
        {
            // It starts where the construct does and ends where it broke. The message repeats the place; the innermost has the reason.
            var reason = (exception.InnerException ?? exception).Message;
            throw SettingsFile.Unreadable(path, exception.End.Line, reason[(reason.LastIndexOf("): ", StringComparison.Ordinal) is >= 0 and var end ? end + 3 : 0)..]);
        }
    }

    /// <summary>The first line that is indented by a tab, which YAML does not allow.</summary>
    private static int? FirstTab(string text)
    {
        var index = Array.FindIndex(text.Split('\n'), line => line.TrimStart(' ').StartsWith('\t'));
        return index < 0 ? null : index + 1;
    }

    private void ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            return;
        }

        _parser.Consume<DocumentStart>();
        if (!_parser.Accept<MappingStart>(out _) && !(_parser.Accept<Scalar>(out var scalar) && scalar.Value.Length == 0))
        {
            throw SettingsFile.Unreadable(_path, _parser.Current?.Start.Line ?? 1, Texts.ConfigNoSections());
        }

        ReadNode("");
    }

    private void ReadNode(string key)
    {
        if (_parser.TryConsume<MappingStart>(out _))
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            while (!_parser.TryConsume<MappingEnd>(out _))
            {
                var name = _parser.Consume<Scalar>();
                if (!seen.Add(name.Value))
                {
                    throw SettingsFile.Unreadable(_path, name.Start.Line, Texts.ConfigKeyTwice(name.Value));
                }

                ReadNode(key.Length == 0 ? name.Value : $"{key}.{name.Value}");
            }
        }
        else if (_parser.TryConsume<SequenceStart>(out _))
        {
            for (var i = 0; !_parser.TryConsume<SequenceEnd>(out _); i++)
            {
                ReadNode($"{key}.{i}");
            }
        }
        else if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            throw SettingsFile.Unreadable(_path, alias.Start.Line, Texts.ConfigAlias(alias.Value.Value));
        }
        else
        {
            var value = _parser.Consume<Scalar>();
            var isNull = value is { IsPlainImplicit: true, Value: "" or "~" or "null" or "Null" or "NULL" };
            if (!isNull)
            {
                _add(key, value.Value, (int)value.Start.Line);
            }
        }
    }
}
