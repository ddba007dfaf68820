using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using RabbitArq.Messages;
using RabbitArq.Messages.Formats;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Messages;

public sealed class JsonScratchTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 10, 20, 30, 123, 456, TimeSpan.FromHours(8));

    [Fact]
    public void Arguments_of_both_kinds_share_an_array_and_stay_apart()
    {
        var arguments = JobArguments.From(["text", 7, null], new Dictionary<string, object?> { ["a"] = 1.5, ["b"] = "ü" });

        Text(arguments.Positional).ShouldBe("""["text",7,null]""");
        Text(arguments.Named).ShouldBe("""{"a":1.5,"b":"ü"}""");
    }

    [Fact]
    public void One_kind_of_arguments_leaves_the_other_empty()
    {
        var positional = JobArguments.From([1]);
        var named = JobArguments.From(null, new Dictionary<string, object?> { ["a"] = 1 });

        (Text(positional.Positional), Text(positional.Named)).ShouldBe(("[1]", "{}"));
        (Text(named.Positional), Text(named.Named)).ShouldBe(("[]", """{"a":1}"""));
    }

    [Fact]
    public void An_argument_that_fails_halfway_leaves_nothing_for_the_next()
    {
        var exception = Should.Throw<ArgumentNotSerializableException>(() => JobArguments.From(["written", typeof(string)]));

        exception.Message.ShouldContain("1");
        Text(JobArguments.From(["next"]).Positional).ShouldBe("""["next"]""");
    }

    [Fact]
    public void A_converter_may_write_another_message_meanwhile()
    {
        var options = new JsonSerializerOptions { Converters = { new NestingConverter() }, TypeInfoResolver = JobJson.Default.TypeInfoResolver };

        Text(JobArguments.From(["before", new Nested(3), "after"], json: options).Positional).ShouldBe("""["before","[3]","after"]""");
    }

    [Fact]
    public void A_large_message_is_whole_and_so_is_the_next()
    {
        var large = new string('x', 300_000);

        Text(JobArguments.From([large]).Positional).ShouldBe($"""["{large}"]""");
        Text(JobArguments.From(["small"]).Positional).ShouldBe("""["small"]""");
    }

    [Fact]
    public void Times_travel_in_microseconds_and_come_back_equal()
    {
        var envelope = Envelope();

        var message = new ArqJsonFormat().Encode(envelope);

        Text(message.Body).ShouldContain("\"enqueue_time\":\"2026-11-21T02:20:30.123456Z\"");
        new ArqJsonFormat().Decode(message).ShouldSatisfyAllConditions(
            read => read.EnqueuedAt.ShouldBe(Now),
            read => read.EnqueuedAt.Offset.ShouldBe(TimeSpan.Zero),
            read => read.ExpiresAt.ShouldBe(Now.AddHours(1)),
            read => read.DueAt.ShouldBeNull(),
            read => read.JobId.ShouldBe(envelope.JobId),
            read => read.Function.ShouldBe("resize"));
    }

    [Fact]
    public void Times_for_python_are_local_and_without_zone()
    {
        var zone = TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(-3), "test", "test");
        var format = new ArqJsonFormat(naiveLocalTimes: true, zone);

        var message = format.Encode(Envelope());

        Text(message.Body).ShouldContain("\"enqueue_time\":\"2026-11-20T23:20:30.123456\"");
        format.Decode(message).EnqueuedAt.ShouldBe(Now);
    }

    [Fact]
    public void A_body_that_says_otherwise_than_its_properties_is_believed()
    {
        var message = new ArqJsonFormat().Encode(Envelope()) with { MessageId = "another", Type = "other" };

        var read = new ArqJsonFormat().Decode(message);

        (read.JobId, read.Function).ShouldBe(("0123456789abcdef0123456789abcdef", "resize"));
    }

    private static JobEnvelope Envelope() => new()
    {
        JobId = "0123456789abcdef0123456789abcdef",
        Function = "resize",
        EnqueuedAt = Now,
        ExpiresAt = Now.AddHours(1),
    };

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);

    private sealed record Nested(int Value);

    private sealed class NestingConverter : JsonConverter<Nested>
    {
        public override Nested Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Nested value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Text(JobArguments.From([value.Value]).Positional));
    }
}
