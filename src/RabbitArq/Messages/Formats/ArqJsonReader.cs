using System.Globalization;
using System.Text.Json;
using RabbitArq.Localization;

namespace RabbitArq.Messages.Formats;

/// <summary>Reads one body of <see cref="ArqJsonFormat"/>; arguments and unknown fields stay slices of the body.</summary>
internal ref struct ArqJsonReader(BrokerMessage message, TimeZoneInfo zone)
{
    /// <summary>What Python's <c>isoformat()</c> and <c>str()</c> write; a fraction may be missing.</summary>
    private static readonly string[] NaiveTimes = ["yyyy-MM-ddTHH:mm:ss.FFFFFFF", "yyyy-MM-dd HH:mm:ss.FFFFFFF", "yyyy-MM-ddTHH:mm"];

    private static readonly string[] ZonedTimes = [.. NaiveTimes.Select(format => format + "zzz"), .. NaiveTimes.Select(format => format + "'Z'")];

    private readonly ReadOnlyMemory<byte> _body = message.Body;
    private Utf8JsonReader _json = new(message.Body.Span);
    private string? _jobId;
    private string? _function;
    private string? _queueName;
    private string? _parentId;
    private string? _rootId;
    private ReadOnlyMemory<byte> _args;
    private ReadOnlyMemory<byte> _kwargs;
    private int _attempt = 1;
    private int? _maxRetries;
    private TimeSpan? _timeout;
    private bool? _storeResult;
    private DateTimeOffset? _enqueuedAt;
    private DateTimeOffset? _dueAt;
    private DateTimeOffset? _expiresAt;
    private List<KeyValuePair<string, ReadOnlyMemory<byte>>>? _unknown;

    public JobEnvelope Read()
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException(Texts.MessageNotAnObject());
        }

        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            ReadField();
        }

        if (_json.TokenType != JsonTokenType.EndObject || _json.Read())
        {
            throw new JsonException(Texts.MessageNotOneObject());
        }

        return new JobEnvelope
        {
            JobId = Required(_jobId, "job_id"),
            Function = Required(_function, "function"),
            Arguments = _args.IsEmpty && _kwargs.IsEmpty
                ? JobArguments.None
                : new JobArguments(_args.IsEmpty ? JobArguments.None.Positional : _args, _kwargs.IsEmpty ? JobArguments.None.Named : _kwargs),
            Attempt = _attempt,
            EnqueuedAt = _enqueuedAt ?? message.Timestamp ?? DateTimeOffset.UnixEpoch,
            QueueName = _queueName,
            DueAt = _dueAt,
            ExpiresAt = _expiresAt,
            ParentId = _parentId,
            RootId = _rootId,
            MaxRetries = _maxRetries,
            Timeout = _timeout,
            StoreResult = _storeResult,
            Priority = message.Priority,
            Headers = UserHeaders(),
            UnknownFields = _unknown ?? [],
        };
    }

    private void ReadField()
    {
        if (_json.ValueTextEquals("job_id"u8))
        {
            _jobId = ReadText("job_id", message.MessageId);
        }
        else if (_json.ValueTextEquals("function"u8))
        {
            _function = ReadText("function", message.Type);
        }
        else if (_json.ValueTextEquals("args"u8))
        {
            _args = ReadRaw(JsonTokenType.StartArray, "args");
        }
        else if (_json.ValueTextEquals("kwargs"u8))
        {
            _kwargs = ReadRaw(JsonTokenType.StartObject, "kwargs");
        }
        else if (_json.ValueTextEquals("job_try"u8))
        {
            _attempt = ReadCount("job_try", 1) ?? 1;
        }
        else if (_json.ValueTextEquals("queue_name"u8))
        {
            _queueName = ReadText("queue_name");
        }
        else if (!ReadTime() && !ReadOwnField())
        {
            ReadUnknownOrState();
        }
    }

    private bool ReadTime()
    {
        if (_json.ValueTextEquals("enqueue_time"u8))
        {
            _enqueuedAt = ReadInstant("enqueue_time");
        }
        else if (_json.ValueTextEquals("defer_until"u8))
        {
            _dueAt = ReadInstant("defer_until");
        }
        else if (_json.ValueTextEquals("expires"u8))
        {
            _expiresAt = ReadInstant("expires");
        }
        else
        {
            return false;
        }

        return true;
    }

    private bool ReadOwnField()
    {
        if (_json.ValueTextEquals("parent_id"u8))
        {
            _parentId = ReadText("parent_id");
        }
        else if (_json.ValueTextEquals("root_id"u8))
        {
            _rootId = ReadText("root_id");
        }
        else if (_json.ValueTextEquals("max_retries"u8))
        {
            _maxRetries = ReadCount("max_retries", 0);
        }
        else if (_json.ValueTextEquals("timeout"u8))
        {
            _timeout = ReadDuration("timeout");
        }
        else if (_json.ValueTextEquals("store_result"u8))
        {
            _storeResult = ReadBoolean("store_result");
        }
        else
        {
            return false;
        }

        return true;
    }

    /// <summary>State words of the sender are read past (the message itself is the state); the rest is kept.</summary>
    private void ReadUnknownOrState()
    {
        var isState = _json.ValueTextEquals("start_time"u8) || _json.ValueTextEquals("end_time"u8) || _json.ValueTextEquals("status"u8)
            || _json.ValueTextEquals("result"u8) || _json.ValueTextEquals("error"u8);
        var name = isState ? null : _json.GetString();
        _json.Read();
        var start = (int)_json.TokenStartIndex;
        _json.Skip();
        if (name is not null)
        {
            (_unknown ??= []).Add(new(name, _body[start..(int)_json.BytesConsumed]));
        }
    }

    /// <param name="field">For the error's text.</param>
    /// <param name="known">What the message's properties say, and most likely the body too: then it is that very text.</param>
    private string? ReadText(string field, string? known = null)
    {
        _json.Read();
        return known is not null && _json.TokenType == JsonTokenType.String && _json.ValueTextEquals(known) ? known : TextOf(field);
    }

    private readonly string? TextOf(string field) => _json.TokenType switch
    {
        JsonTokenType.String => _json.GetString(),
        JsonTokenType.Null => null,
        _ => throw new JsonException(Texts.MessageFieldKind(field, "string", JobJson.NameOf(_json.TokenType))),
    };

    /// <summary>A whole number; Python's floats may write it as <c>1.0</c>. The highest leaves room for one more.</summary>
    private int? ReadCount(string field, int lowest)
    {
        var number = ReadNumber(field);
        return number is null ? null
            : number >= lowest && number < int.MaxValue ? (int)number
            : throw new JsonException(Texts.MessageFieldRange(field, RawText(), $"{lowest}–{int.MaxValue - 1}"));
    }

    private TimeSpan? ReadDuration(string field)
    {
        var seconds = ReadNumber(field);
        return seconds is null ? null
            : seconds > 0 && seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromTicks((long)Math.Round(seconds.Value * TimeSpan.TicksPerSecond))
            : throw new JsonException(Texts.MessageFieldRange(field, RawText(), "> 0"));
    }

    private double? ReadNumber(string field)
    {
        _json.Read();
        return _json.TokenType switch
        {
            JsonTokenType.Null => null,
            JsonTokenType.Number => _json.GetDouble(),
            _ => throw new JsonException(Texts.MessageFieldKind(field, "number", JobJson.NameOf(_json.TokenType))),
        };
    }

    private bool? ReadBoolean(string field)
    {
        _json.Read();
        return _json.TokenType switch
        {
            JsonTokenType.Null => null,
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            _ => throw new JsonException(Texts.MessageFieldKind(field, "boolean", JobJson.NameOf(_json.TokenType))),
        };
    }

    private readonly string RawText() => System.Text.Encoding.UTF8.GetString(_json.ValueSpan);

    private static string Required(string? value, string field) =>
        string.IsNullOrEmpty(value) ? throw new JsonException(Texts.MessageFieldMissing(field)) : value;

    private ReadOnlyMemory<byte> ReadRaw(JsonTokenType expected, string field)
    {
        _json.Read();
        if (_json.TokenType == JsonTokenType.Null)
        {
            return default;
        }

        if (_json.TokenType != expected)
        {
            throw new JsonException(Texts.MessageFieldKind(field, JobJson.NameOf(expected), JobJson.NameOf(_json.TokenType)));
        }

        var start = (int)_json.TokenStartIndex;
        _json.Skip();
        return _body[start..(int)_json.BytesConsumed];
    }

    private DateTimeOffset? ReadInstant(string field)
    {
        _json.Read();
        if (_json.TokenType == JsonTokenType.String && _json.ValueSpan is [.., (byte)'Z'] && _json.TryGetDateTimeOffset(out var utc))
        {
            // What we write ourselves: no text is made of it, and no format is tried in vain.
            return utc;
        }

        var text = TextOf(field);
        if (text is null)
        {
            return null;
        }

        // A naive time is local time of the sender, and we can only assume that its zone is ours.
        if (DateTime.TryParseExact(text, NaiveTimes, CultureInfo.InvariantCulture, DateTimeStyles.None, out var naive))
        {
            return new DateTimeOffset(naive, zone.GetUtcOffset(naive)).ToUniversalTime();
        }

        return DateTimeOffset.TryParseExact(text, ZonedTimes, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant)
            ? instant.ToUniversalTime()
            : throw new JsonException(Texts.MessageFieldTime(field, text));
    }

    private readonly IReadOnlyDictionary<string, object?> UserHeaders()
    {
        var headers = message.Headers;
        if (headers.Count == 0 || (headers.Count == 1 && headers.ContainsKey(ArqJsonFormat.RetryCountHeader)))
        {
            return BrokerMessage.NoHeaders;
        }

        var kept = new Dictionary<string, object?>(headers.Count, StringComparer.Ordinal);
        foreach (var (name, value) in headers)
        {
            if (name != ArqJsonFormat.RetryCountHeader && !BrokerHeaders.IsBrokerOwned(name))
            {
                kept[name] = value;
            }
        }

        return kept;
    }
}
