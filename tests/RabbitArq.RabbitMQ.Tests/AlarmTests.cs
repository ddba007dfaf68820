using System.Diagnostics;
using System.Text.RegularExpressions;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>An alarm concerns every publisher of the server, so these tests run alone, after all others.</summary>
[CollectionDefinition(nameof(AlarmTests), DisableParallelization = true)]
public sealed class AlarmCollection;

/// <summary>A broker that blocks publishers, by a memory alarm set with rabbitmqctl.</summary>
[Collection(nameof(AlarmTests))]
public sealed partial class AlarmTests : RabbitMqTest
{
    private const int Blocked = 3005;

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_blocked_broker_ends_publishes_at_their_limit_and_lets_consumers_work(string name)
    {
        var server = TestServer.Named(name);
        using var log = new ListLogger();
        var broker = await OpenAsync(
            server, options => new BrokerOptions { Url = options.Url, LoggerFactory = log, PublishTimeout = TimeSpan.FromSeconds(3) });
        var patient = await OpenAsync(server);
        var queue = await DeclareAsync(broker);
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 1), Cancel).Within();
        await PublishAsync(broker, queue, "a");
        await PublishAsync(broker, queue, "b");
        await PublishAsync(patient, queue, "c");
        Task waiting;
        var before = await server.ControlAsync("eval", "vm_memory_monitor:get_vm_memory_high_watermark().");
        await server.ControlAsync("set_vm_memory_high_watermark", "0.00001");
        try
        {
            waiting = patient.Publisher.PublishAsync(new PublishRequest(Text("patient"), queue), Cancel).AsTask();
            var clock = Stopwatch.StartNew();
            var failures = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => Should.ThrowAsync<BrokerBlockedException>(
                () => broker.Publisher.PublishAsync(new PublishRequest(Text($"blocked{number}"), queue), Cancel).AsTask()))).Within();

            clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(15));
            failures[0].Message.ShouldContain("memory");
            failures[0].Message.ShouldContain("rabbitmqctl status");
            SaysWhatToDo(failures[0], server);
            log.Entries.ShouldContain(entry => entry.Id == Blocked);

            // The prefetch count is one: each of these needs the acknowledgement of the one before.
            await TakeUntilAsync(consumer, ["a", "b", "c"]);
            waiting.IsCompleted.ShouldBeFalse();
        }
        finally
        {
            await server.ControlAsync(["set_vm_memory_high_watermark", .. Setting(before)]);
        }

        await waiting.Within();
        await PublishAsync(broker, queue, "again");
        await TakeUntilAsync(consumer, ["patient", "again"]);
    }

    /// <summary>The server prints what it was set to: a fraction, or <c>{absolute,"1GB"}</c>.</summary>
    private static string[] Setting(string printed) =>
        AbsolutePattern().Match(printed) is { Success: true } match ? ["absolute", match.Groups[1].Value] : [printed.Trim()];

    [GeneratedRegex(@"absolute,\s*""?(\w+)")]
    private static partial Regex AbsolutePattern();
}
