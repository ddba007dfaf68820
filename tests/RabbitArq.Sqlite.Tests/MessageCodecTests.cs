using RabbitArq.Messages;
using RabbitArq.Sqlite.Engine;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

public sealed class MessageCodecTests
{
    [Fact]
    public void Header_values_keep_their_types()
    {
        var headers = new Dictionary<string, object?>
        {
            ["text"] = "é\"\\\n\u0001 漢字 😀",
            ["empty"] = "",
            ["yes"] = true,
            ["no"] = false,
            ["nothing"] = null,
            ["most"] = long.MaxValue,
            ["least"] = long.MinValue,
            ["whole double"] = 1.0,
            ["third"] = 1.0 / 3,
            ["not a number"] = double.NaN,
            ["infinite"] = double.NegativeInfinity,
            ["bytes"] = new byte[] { 0, 1, 255 },
            ["no bytes"] = Array.Empty<byte>(),
            ["time"] = new DateTimeOffset(2026, 3, 1, 12, 30, 15, TimeSpan.Zero),
            ["list"] = new List<object?> { 1L, "two", null, new List<object?> { 3.5 }, new Dictionary<string, object?> { ["four"] = 4L } },
            ["table"] = new Dictionary<string, object?> { ["double"] = "not a tag", ["inner"] = new Dictionary<string, object?>() },
            [""] = "an empty name",
        };

        var decoded = RoundTrip(new BrokerMessage { Body = default, Headers = headers }).Headers;

        ShouldBeSame(decoded, headers, "headers");
    }

    [Fact]
    public void Properties_keep_their_values_and_absent_ones_stay_absent()
    {
        var message = new BrokerMessage
        {
            Body = new byte[] { 1, 2 },
            MessageId = "id",
            Type = "type",
            ContentType = "application/json",
            ContentEncoding = "gzip",
            CorrelationId = "",
            ReplyTo = "reply",
            AppId = "app",
            Priority = 255,
            Timestamp = new DateTimeOffset(2026, 3, 1, 0, 0, 1, TimeSpan.Zero),
            Expiration = TimeSpan.FromMilliseconds(1500),
            Persistent = false,
        };

        // The same memory: what is compared is everything else.
        (RoundTrip(message) with { Body = message.Body }).ShouldBe(message);
        RoundTrip(message).Body.ToArray().ShouldBe(message.Body.ToArray());
        (RoundTrip(new BrokerMessage { Body = default }) with { Body = default }).ShouldBe(new BrokerMessage { Body = default });
    }

    [Fact]
    public void Whole_numbers_of_other_widths_become_longs()
    {
        var headers = new Dictionary<string, object?> { ["int"] = 1, ["short"] = (short)2, ["byte"] = (byte)3, ["uint"] = 4u, ["float"] = 0.5f };

        ShouldBeSame(
            RoundTrip(new BrokerMessage { Body = default, Headers = headers }).Headers,
            new Dictionary<string, object?> { ["int"] = 1L, ["short"] = 2L, ["byte"] = 3L, ["uint"] = 4L, ["float"] = 0.5 },
            "headers");
    }

    [Fact]
    public async Task A_header_of_a_type_that_no_broker_carries_is_an_error_that_names_it()
    {
        await using var broker = await Brokers.OpenAsync("sqlite::memory:" + Guid.NewGuid());
        await broker.DeclareAsync("q");
        var headers = new Dictionary<string, object?> { ["price"] = 1.5m };

        var failure = await Should.ThrowAsync<ArgumentException>(() => broker.Publisher.PublishAsync(
            new RabbitArq.Brokers.PublishRequest(new BrokerMessage { Body = default, Headers = headers }, "q"), Brokers.Cancel).AsTask());

        failure.Message.ShouldContain("price");
        failure.Message.ShouldContain("Decimal");
        await broker.PublishAsync("q", "the next one works");
    }

    [Fact]
    public void Members_that_a_later_version_may_add_are_passed_over()
    {
        var stored = MessageCodec.Decode("""{"future":{"a":[1,{"b":2}]},"key":"k","more":[1,2],"id":"i"}"""u8);

        stored.RoutingKey.ShouldBe("k");
        stored.MessageId.ShouldBe("i");
    }

    private static void ShouldBeSame(object? actual, object? expected, string where)
    {
        switch (expected)
        {
            case IReadOnlyDictionary<string, object?> table:
                var actualTable = actual.ShouldBeAssignableTo<IReadOnlyDictionary<string, object?>>(where)!;
                actualTable.Keys.ShouldBe(table.Keys, ignoreOrder: true, where);
                foreach (var (name, value) in table)
                {
                    ShouldBeSame(actualTable[name], value, $"{where}.{name}");
                }

                break;
            case byte[] bytes:
                actual.ShouldBeOfType<byte[]>(where).ShouldBe(bytes, where);
                break;
            case IReadOnlyList<object?> list:
                var actualList = actual.ShouldBeAssignableTo<IReadOnlyList<object?>>(where)!;
                actualList.Count.ShouldBe(list.Count, where);
                for (var i = 0; i < list.Count; i++)
                {
                    ShouldBeSame(actualList[i], list[i], $"{where}[{i}]");
                }

                break;
            default:
                actual?.GetType().ShouldBe(expected?.GetType(), where);
                actual.ShouldBe(expected, where);
                break;
        }
    }

    private static BrokerMessage RoundTrip(BrokerMessage message) =>
        MessageCodec.Decode(MessageCodec.Encode(message, "exchange", "key")).ToMessage(message.Body.ToArray());
}
