using System.Text;
using System.Text.Json;
using RabbitArq.Cli.Localization;

namespace RabbitArq.Cli.Configuration;

/// <summary>Flattens JSON (comments and trailing commas allowed, as in <c>appsettings.json</c>) into keys with dots.</summary>
internal static class JsonSettings
{
    private static readonly JsonReaderOptions Options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public static void Read(string text, string path, Action<string, string, int> add)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes, Options);
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw SettingsFile.Unreadable(path, 1, Texts.ConfigNoSections());
            }

            ReadNode(ref reader, "", bytes, add);
            reader.Read();
        }
        catch (JsonException exception)
        {
            // The reader counts from 0 and repeats the place in its message.
            var reason = exception.Message.Split(" LineNumber:")[0].Split(" Path:")[0];
            throw SettingsFile.Unreadable(path, (exception.LineNumber ?? 0) + 1, reason);
        }
    }

    private static void ReadNode(ref Utf8JsonReader reader, string key, byte[] bytes, Action<string, string, int> add)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var name = reader.GetString()!;
                    reader.Read();
                    ReadNode(ref reader, key.Length == 0 ? name : $"{key}.{name}", bytes, add);
                }

                break;
            case JsonTokenType.StartArray:
                for (var i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++)
                {
                    ReadNode(ref reader, $"{key}.{i}", bytes, add);
                }

                break;
            case JsonTokenType.Null:
                break;
            default:
                var line = bytes.AsSpan(0, (int)reader.TokenStartIndex).Count((byte)'\n') + 1;
                add(key, reader.TokenType == JsonTokenType.String ? reader.GetString()! : Encoding.UTF8.GetString(reader.ValueSpan), line);
                break;
        }
    }
}
