using System.Text;
using System.Text.Json;
using RabbitArq.Localization;
using RabbitArq.Messages;
using RabbitArq.Messages.Formats;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Messages;

public sealed class ArqJsonFormatTests
{
    /// <summary>As rabbitmq-arq 0.2 writes it: Python's spaces, and times in its local zone without saying which.</summary>
    private const string Upstream =
        """
        {"job_id": "6fd5f3a6cb2a4c1f8d0f2d6a3d1a9b10", "function": "process_data", "args": ["a", 1, {"k": [true, null]}], "kwargs": {"flag": true, "ratio": 1.5}, "job_try": 1, "enqueue_time": "2026-03-04T05:06:07.123456", "start_time": null, "end_time": null, "status": "queued", "result": null, "error": null, "queue_name": "arq:queue", "defer_until": "2026-03-04T06:00:00", "expires": "2026-03-05T05:06:07.123456"}
        """;

    private static readonly TimeZoneInfo Shanghai = TimeZoneInfo.CreateCustomTimeZone("+8", TimeSpan.FromHours(8), "+8", "+8");
    private static readonly ArqJsonFormat Format = new(localZone: Shanghai);
    private static readonly DateTimeOffset Time = new(2026, 3, 4, 5, 6, 7, 123, 456, TimeSpan.Zero);

    [Fact]
    public void Reads_what_upstream_writes_with_its_naive_times_as_local_ones()
    {
        var job = Decode(Upstream);

        job.JobId.ShouldBe("6fd5f3a6cb2a4c1f8d0f2d6a3d1a9b10");
        job.Function.ShouldBe("process_data");
        Text(job.Arguments.Positional).ShouldBe("""["a", 1, {"k": [true, null]}]""");
        Text(job.Arguments.Named).ShouldBe("""{"flag": true, "ratio": 1.5}""");
        job.Attempt.ShouldBe(1);
        job.EnqueuedAt.ShouldBe(Time.AddHours(-8));
        job.EnqueuedAt.Offset.ShouldBe(TimeSpan.Zero);
        job.DueAt.ShouldBe(new DateTimeOffset(2026, 3, 3, 22, 0, 0, TimeSpan.Zero));
        job.ExpiresAt.ShouldBe(Time.AddDays(1).AddHours(-8));
        job.QueueName.ShouldBe("arq:queue");
        job.UnknownFields.ShouldBeEmpty();
        (job.ParentId, job.RootId, job.MaxRetries, job.Timeout, job.StoreResult).ShouldBe((null, null, null, null, null));
    }

    [Fact]
    public void Writes_for_upstream_what_upstream_writes()
    {
        var python = new ArqJsonFormat(naiveLocalTimes: true, Shanghai);

        var written = Text(python.Encode(Decode(Upstream)).Body);

        // Python leaves a fraction of zero out when it writes; it reads either.
        Compact(written).ShouldBe(Compact(Upstream).Replace("06:00:00", "06:00:00.000000", StringComparison.Ordinal));
        python.Name.ShouldBe("python");
    }

    [Fact]
    public void Writes_its_own_times_in_UTC_and_only_the_fields_that_are_set()
    {
        var message = Format.Encode(new JobEnvelope { JobId = "j", Function = "f", EnqueuedAt = Time.ToOffset(TimeSpan.FromHours(3)) });

        Text(message.Body).ShouldBe(
            """
            {"job_id":"j","function":"f","args":[],"kwargs":{},"job_try":1,"enqueue_time":"2026-03-04T05:06:07.123456Z","start_time":null,"end_time":null,"status":"queued","result":null,"error":null,"queue_name":null,"defer_until":null,"expires":null}
            """);
        (message.MessageId, message.CorrelationId, message.Type, message.ContentType, message.ContentEncoding, message.Persistent, message.Expiration)
            .ShouldBe(("j", "j", "f", "application/json", "utf-8", true, null));
        message.Timestamp.ShouldBe(Time);
        message.Headers.ShouldBe(new Dictionary<string, object?> { ["x-retry-count"] = 0L });
    }

    [Fact]
    public void Keeps_every_field_of_its_own_and_every_field_and_header_that_it_does_not_know()
    {
        const string Body = """
            {"job_id":"j","function":"f","args":[1],"kwargs":{},"job_try":3,"status":"retrying","new":{"a":[1, 2]},"n":null,"s":"x",
            "parent_id":"p","root_id":"r","max_retries":7,"timeout":1.5,"store_result":false,"start_time":"2026-01-01T00:00:00","result":{"x":1},"error":"e"}
            """;
        var came = Message(Body) with
        {
            Priority = 7,
            Headers = new Dictionary<string, object?>
            {
                ["tenant"] = "blue",
                ["x-retry-count"] = 2L,
                ["x-death"] = new List<object?>(),
                ["x-first-death-queue"] = "q",
                ["CC"] = "q",
                ["x-delay"] = 5L,
            },
        };

        var message = Format.Encode(Format.Decode(came));

        using var body = JsonDocument.Parse(message.Body);
        var root = body.RootElement;
        root.GetProperty("new").GetRawText().ShouldBe("""{"a":[1, 2]}""");
        root.GetProperty("n").ValueKind.ShouldBe(JsonValueKind.Null);
        root.GetProperty("s").GetString().ShouldBe("x");
        root.GetProperty("parent_id").GetString().ShouldBe("p");
        root.GetProperty("root_id").GetString().ShouldBe("r");
        root.GetProperty("max_retries").GetInt32().ShouldBe(7);
        root.GetProperty("timeout").GetDouble().ShouldBe(1.5);
        root.GetProperty("store_result").GetBoolean().ShouldBeFalse();
        root.GetProperty("job_try").GetInt32().ShouldBe(3);

        // What upstream noted about a run belongs to that run.
        root.GetProperty("status").GetString().ShouldBe("queued");
        root.GetProperty("result").ValueKind.ShouldBe(JsonValueKind.Null);
        message.Priority.ShouldBe((byte)7);
        message.Headers.ShouldBe(new Dictionary<string, object?> { ["tenant"] = "blue", ["x-retry-count"] = 2L }, ignoreOrder: true);
    }

    [Theory]
    [InlineData("2026-03-04T05:06:07Z", "2026-03-04T05:06:07.0000000+00:00")]
    [InlineData("2026-03-04T05:06:07.5Z", "2026-03-04T05:06:07.5000000+00:00")]
    [InlineData("2026-03-04T05:06:07.1234567+02:00", "2026-03-04T03:06:07.1234567+00:00")]
    [InlineData("2026-03-04T05:06:07-00:30", "2026-03-04T05:36:07.0000000+00:00")]
    [InlineData("2026-03-04 05:06:07", "2026-03-03T21:06:07.0000000+00:00")]
    [InlineData("2026-03-04 05:06:07.000001", "2026-03-03T21:06:07.0000010+00:00")]
    [InlineData("2026-03-04T05:06", "2026-03-03T21:06:00.0000000+00:00")]
    public void Reads_times_with_and_without_a_zone(string text, string utc) =>
        Decode($$"""{"job_id":"j","function":"f","expires":"{{text}}"}""").ExpiresAt.ShouldNotBeNull().ToString("O").ShouldBe(utc);

    [Fact]
    public void Without_an_enqueue_time_the_time_of_the_message_is_taken()
    {
        Format.Decode(Message("""{"job_id":"j","function":"f"}""") with { Timestamp = Time }).EnqueuedAt.ShouldBe(Time);
        Decode("""{"job_id":"j","function":"f"}""").EnqueuedAt.ShouldBe(DateTimeOffset.UnixEpoch);
    }

    [Fact]
    public void Null_fields_are_fields_that_are_not_there()
    {
        var job = Decode("""{"job_id":"j","function":"f","args":null,"kwargs":null,"job_try":null,"max_retries":null,"timeout":null,"store_result":null,"expires":null}""");

        job.Arguments.ShouldBe(JobArguments.None);
        (job.Attempt, job.MaxRetries, job.Timeout, job.StoreResult, job.ExpiresAt).ShouldBe((1, null, null, null, null));
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("nonsense", "invalid")]
    [InlineData("[]", "object")]
    [InlineData("\"text\"", "object")]
    [InlineData("""{"job_id":"j","function":"f"} {}""", "")]
    [InlineData("""{"job_id":"j","function":"f"}]""", "")]
    [InlineData("""{"job_id":"j","function":"f",""", "")]
    [InlineData("""{"job_id":"j","function":"f","args":[1,""", "")]
    [InlineData("""{"function":"f"}""", "'job_id' is missing")]
    [InlineData("""{"job_id":"","function":"f"}""", "'job_id' is missing")]
    [InlineData("""{"job_id":null,"function":"f"}""", "'job_id' is missing")]
    [InlineData("""{"job_id":"j"}""", "'function' is missing")]
    [InlineData("""{"job_id":5,"function":"f"}""", "'job_id' must be a JSON string, but is a JSON number")]
    [InlineData("""{"job_id":"j","function":["f"]}""", "'function' must be a JSON string, but is a JSON array")]
    [InlineData("""{"job_id":"j","function":"f","args":{}}""", "'args' must be a JSON array, but is a JSON object")]
    [InlineData("""{"job_id":"j","function":"f","kwargs":[]}""", "'kwargs' must be a JSON object, but is a JSON array")]
    [InlineData("""{"job_id":"j","function":"f","job_try":0}""", "'job_try' is 0")]
    [InlineData("""{"job_id":"j","function":"f","job_try":"1"}""", "'job_try' must be a JSON number, but is a JSON string")]
    [InlineData("""{"job_id":"j","function":"f","job_try":2147483647}""", "'job_try' is 2147483647")]
    [InlineData("""{"job_id":"j","function":"f","max_retries":-1}""", "'max_retries' is -1")]
    [InlineData("""{"job_id":"j","function":"f","max_retries":1e400}""", "'max_retries' is 1e400")]
    [InlineData("""{"job_id":"j","function":"f","timeout":0}""", "'timeout' is 0")]
    [InlineData("""{"job_id":"j","function":"f","timeout":1e300}""", "'timeout' is 1e300")]
    [InlineData("""{"job_id":"j","function":"f","store_result":1}""", "'store_result' must be a JSON boolean, but is a JSON number")]
    [InlineData("""{"job_id":"j","function":"f","expires":"ten past two"}""", "'expires' is not an ISO 8601 time: 'ten past two'")]
    [InlineData("""{"job_id":"j","function":"f","expires":"10:30"}""", "'expires' is not an ISO 8601 time")]
    [InlineData("""{"job_id":"j","function":"f","defer_until":17}""", "'defer_until' must be a JSON string, but is a JSON number")]
    [InlineData("""{"job_id":"j","function":"f","enqueue_time":"0001-01-01T00:00:00"}""", "")]
    [InlineData("""{"job_id":"j","function":"\ud800"}""", "")]
    public void A_body_that_cannot_be_read_is_an_error_that_says_why(string body, string reason)
    {
        Language.SetForFlow("en");

        var failure = Should.Throw<UnreadableMessageException>(() => Decode(body));

        failure.Message.ShouldStartWith("The message cannot be read as a job: ");
        failure.Message.ShouldContain(reason);
    }

    [Fact]
    public void The_reason_is_told_in_Chinese_too()
    {
        Language.SetForFlow("zh-CN");

        Should.Throw<UnreadableMessageException>(() => Decode("""{"function":"f"}""")).Message.ShouldContain("缺少字段");
    }

    [Fact]
    public void Bytes_that_are_no_text_are_an_error()
    {
        Should.Throw<UnreadableMessageException>(() => Format.Decode(new BrokerMessage { Body = new byte[] { 0x7b, 0xff, 0xfe } }));
        Should.Throw<UnreadableMessageException>(() => Format.Decode(new BrokerMessage { Body = new byte[] { 0xef, 0xbb, 0xbf } }));
        byte[] badText = [.. "{\"job_id\":\""u8, 0xc3, 0x28, .. "\",\"function\":\"f\"}"u8];
        Should.Throw<UnreadableMessageException>(() => Format.Decode(new BrokerMessage { Body = badText }));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("application/json", true)]
    [InlineData("application/json; charset=utf-8", true)]
    [InlineData("text/json", true)]
    [InlineData("application/jsonp", false)]
    [InlineData("application/x-python-serialize", false)]
    [InlineData("text/plain", false)]
    public void Recognises_JSON_by_its_content_type(string? contentType, bool recognised) =>
        Format.Recognises(Message("") with { ContentType = contentType }).ShouldBe(recognised);

    private static BrokerMessage Message(string body) => new() { Body = Encoding.UTF8.GetBytes(body), ContentType = "application/json" };

    private static JobEnvelope Decode(string body) => Format.Decode(Message(body));

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);

    private static string Compact(string json)
    {
        using var document = JsonDocument.Parse(json);
        return JsonSerializer.Serialize(document.RootElement);
    }
}
