using System.Collections;
using System.Security.Cryptography;
using RabbitArq.Brokers;
using RabbitArq.Messages;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

/// <summary>A message arrives as it was published.</summary>
public abstract partial class BrokerConformance
{
    private static readonly DateTimeOffset Instant = new(2026, 2, 28, 23, 59, 58, TimeSpan.Zero);

    /// <summary>Every kind of header value, by name. Declared before what is made from it: initializers run in order.</summary>
    private static Dictionary<string, object?> Headers { get; } = new()
    {
        ["text"] = "plain",
        ["text, empty"] = "",
        ["text, not ASCII"] = "任务完成 – žluťoučký 🐇",
        ["text, long"] = new string('长', 5000),
        ["名字"] = "a key that is not ASCII",
        ["true"] = true,
        ["false"] = false,
        ["long, zero"] = 0L,
        ["long, largest"] = long.MaxValue,
        ["long, smallest"] = long.MinValue,
        ["double"] = 0.1,
        ["double, tiny"] = double.Epsilon,
        ["double, whole"] = 3.0,
        ["bytes"] = new byte[] { 0, 1, 127, 128, 255 },
        ["bytes, not UTF-8"] = new byte[] { 0xC3, 0x28 },
        ["bytes, empty"] = Array.Empty<byte>(),
        ["time"] = Instant,
        ["null"] = null,
        ["list"] = new List<object?> { "a", 2L, 3.5, false, null, new byte[] { 9 }, Instant, new List<object?> { "deep" } },
        ["table"] = new Dictionary<string, object?>
        {
            ["text"] = "值",
            ["number"] = -1L,
            ["flag"] = true,
            ["nothing"] = null,
            ["inner"] = new Dictionary<string, object?> { ["list"] = new List<object?> { 1L, "two" } },
        },
    };

    /// <summary>The names of <see cref="Headers"/>.</summary>
    public static TheoryData<string> HeaderKinds { get; } = new(Headers.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public async Task Every_property_survives()
    {
        var message = new BrokerMessage
        {
            Body = "{\"文\":1}"u8.ToArray(),
            MessageId = "0123456789abcdef0123456789abcdef",
            Type = "生成报告",
            ContentType = "application/json",
            ContentEncoding = "utf-8",
            CorrelationId = "correlation–1",
            ReplyTo = "reply.queue",
            AppId = "测试",
            Priority = 3,
            Timestamp = Instant,
            Expiration = TimeSpan.FromMinutes(10),
            Persistent = true,
        };

        var arrived = await SendAsync(message);

        arrived.Body.ToArray().ShouldBe(message.Body.ToArray());
        (arrived with { Body = message.Body, Headers = message.Headers }).ShouldBe(message);
    }

    [Fact]
    public async Task A_property_that_was_not_given_stays_absent()
    {
        var message = new BrokerMessage { Body = "x"u8.ToArray() };

        var arrived = await SendAsync(message);

        arrived.Headers.ShouldBeEmpty();
        (arrived with { Body = message.Body, Headers = message.Headers }).ShouldBe(message);
    }

    [Theory]
    [MemberData(nameof(HeaderKinds))]
    public async Task A_header_survives_with_its_type(string name)
    {
        var value = Headers[name];

        var arrived = await SendAsync(new BrokerMessage { Body = default, Headers = new Dictionary<string, object?> { [name] = value } });

        arrived.Headers.Keys.ShouldBe([name]);
        Describe(arrived.Headers[name]).ShouldBe(Describe(value));
    }

    [Fact]
    public async Task Many_headers_survive_together_and_none_is_added()
    {
        var arrived = await SendAsync(new BrokerMessage { Body = default, Headers = Headers });

        Describe(arrived.Headers).ShouldBe(Describe(Headers));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1 << 20)]
    public async Task A_body_survives_byte_for_byte(int length)
    {
        var body = RandomNumberGenerator.GetBytes(length);

        var arrived = await SendAsync(new BrokerMessage { Body = body });

        arrived.Body.Length.ShouldBe(length);
        arrived.Body.Span.SequenceEqual(body).ShouldBeTrue();
    }

    [Fact]
    public async Task A_body_stays_as_it_was_after_later_deliveries()
    {
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue);
        await PublishInOrderAsync(queue, "first");
        var first = await AckAsync(await consumer.NextAsync());

        await PublishInOrderAsync(queue, Enumerable.Range(0, 50).Select(number => $"later{number}"));
        await TakeAsync(consumer, 50);

        TextOf(first).ShouldBe("first");
    }

    [Fact]
    public async Task A_delivery_says_where_it_came_from()
    {
        var queue = await DeclareAsync();
        await using var consumer = await ConsumeAsync(queue);
        await PublishAsync(queue, "m");

        var delivery = await consumer.NextAsync();

        delivery.QueueName.ShouldBe(queue);
        delivery.Exchange.ShouldBeEmpty();
        delivery.RoutingKey.ShouldBe(queue);
        delivery.Redelivered.ShouldBeFalse();
        delivery.DeliveryCount.ShouldBe(0);
        delivery.IsLive.ShouldBeTrue();
        delivery.IsSettled.ShouldBeFalse();
    }

    [Theory]
    [InlineData("a:b:c")]
    [InlineData("a.b.c")]
    [InlineData("任务.重试:队列")]
    [InlineData("with space/and?query#fragment%25'quote\"")]
    public async Task A_name_may_hold_any_text(string what)
    {
        var queue = Queue(what) with { DeadLetterExchange = "", DeadLetterRoutingKey = _fixture.QueueName(what + ".dlq") };
        var exchange = new ExchangeSpec(_fixture.ExchangeName(what), ExchangeType.Topic);
        await ApplyAsync(new TopologyPlan
        {
            Exchanges = [exchange],
            Queues = [queue, Queue(what + ".dlq")],
            Bindings = [new BindingSpec(exchange.Name, queue.Name, "键." + what.Replace('.', '-'))],
        });
        await PublishAsync(new PublishRequest(Text("m"), "键." + what.Replace('.', '-')) { Exchange = exchange.Name });

        await using var consumer = await ConsumeAsync(queue.Name);
        var delivery = await consumer.NextAsync();
        delivery.QueueName.ShouldBe(queue.Name);
        delivery.Exchange.ShouldBe(exchange.Name);
        await delivery.SettleAsync(Settlement.Reject, Cancel).Within();

        await UntilReadyAsync(queue.Name + ".dlq", 1);
        (await Broker.Inspector.PurgeAsync(queue.Name + ".dlq", Cancel).Within()).ShouldBe(1);
    }

    /// <summary>Publishes a message and hands back what arrives.</summary>
    private async Task<BrokerMessage> SendAsync(BrokerMessage message)
    {
        var queue = await DeclareAsync();
        await PublishAsync(queue, message);
        await using var consumer = await ConsumeAsync(queue);
        return (await AckAsync(await consumer.NextAsync())).Message;
    }

    /// <summary>A value with its type as text, so that 3 and 3.0, text and bytes, null and absence differ.</summary>
    private static string Describe(object? value) => value switch
    {
        null => "null",
        string text => $"text({text})",
        bool flag => $"bool({flag})",
        long number => $"long({number})",
        double number => $"double({number:R})",
        byte[] bytes => $"bytes({Convert.ToHexString(bytes)})",
        DateTimeOffset time => $"time({time.ToUniversalTime():O})",
        IReadOnlyDictionary<string, object?> table =>
            $"table({string.Join(", ", table.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={Describe(pair.Value)}"))})",
        IReadOnlyList<object?> list => $"list({string.Join(", ", list.Select(Describe))})",
        IEnumerable => $"a collection that is neither list nor table: {value.GetType()}",
        _ => $"{value.GetType()}({value})",
    };
}
