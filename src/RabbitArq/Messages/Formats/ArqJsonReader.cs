using System.Globalization;
using System.Text.Json;

namespace RabbitArq.Messages.Formats;

/// <summary>Reads one body of <see cref="ArqJsonFormat"/>; arguments and unknown fields stay slices of the body.</summary>
internal ref struct ArqJsonReader(BrokerMessage message, TimeZoneInfo zone)
{
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
            throw new JsonException("the body is not a JSON object.");
        }

        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            ReadField();
        }

        if (_json.TokenType != JsonTokenType.EndObject || _json.Read())
        {
            throw new JsonException("the body is not one JSON object.");
        }

        return new JobEnvelope
        {
            JobId = _jobId ?? throw new JsonException("'job_id' is missing."),
            Function = _function ?? throw new JsonException("'function' is missing."),
            Arguments = _args.IsEmpty && _kwargs.IsEmpty
                ? JobArguments.None
                : new JobArguments(_args.IsEmpty ? JobArguments.None.Positional : _args, _kwargs.IsEmpty ? JobArguments.None.Named : _kwargs),
            Attempt = _attempt >= 1 ? _attempt : throw new JsonException($"'job_try' is {_attempt}; it counts from 1."),
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
            _jobId = ReadText("job_id");
        }
        else if (_json.ValueTextEquals("function"u8))
        {
            _function = ReadText("function");
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
            _attempt = ReadNumber() is { } number ? checked((int)number) : 1;
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
            _maxRetries = ReadNumber() is { } number ? checked((int)number) : null;
        }
        else if (_json.ValueTextEquals("timeout"u8))
        {
            _timeout = ReadNumber() is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        }
        else if (_json.ValueTextEquals("store_result"u8))
        {
            _json.Read();
            _storeResult = _json.TokenType == JsonTokenType.Null ? null : _json.GetBoolean();
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

    private string? ReadText(string field)
    {
        _json.Read();
        return _json.TokenType switch
        {
            JsonTokenType.String => _json.GetString(),
            JsonTokenType.Null => null,
            _ => throw new JsonException($"'{field}' is not a text."),
        };
    }

    private double? ReadNumber()
    {
        _json.Read();
        return _json.TokenType == JsonTokenType.Null ? null : _json.GetDouble();
    }

    private ReadOnlyMemory<byte> ReadRaw(JsonTokenType expected, string field)
    {
        _json.Read();
        if (_json.TokenType == JsonTokenType.Null)
        {
            return default;
        }

        if (_json.TokenType != expected)
        {
            throw new JsonException($"'{field}' is not a JSON {(expected == JsonTokenType.StartArray ? "array" : "object")}.");
        }

        var start = (int)_json.TokenStartIndex;
        _json.Skip();
        return _body[start..(int)_json.BytesConsumed];
    }

    private DateTimeOffset? ReadInstant(string field)
    {
        var text = ReadText(field);
        if (text is null)
        {
            return null;
        }

        // RoundtripKind keeps "no zone" apart from "Z": a naive time is local time of the sender, and we can only assume ours.
        if (!DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var naive))
        {
            throw new JsonException($"'{field}' is not an ISO 8601 time: '{text}'.");
        }

        if (naive.Kind == DateTimeKind.Unspecified)
        {
            return new DateTimeOffset(naive, zone.GetUtcOffset(naive)).ToUniversalTime();
        }

        return DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.None).ToUniversalTime();
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
