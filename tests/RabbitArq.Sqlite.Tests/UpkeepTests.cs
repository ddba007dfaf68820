using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Routing;
using RabbitArq.Sqlite.Storage;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

/// <summary>The file stays small, counts stay true, and claims stay cheap.</summary>
public sealed class UpkeepTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_file_and_its_log_do_not_grow_with_what_went_through()
    {
        await using (var broker = await Brokers.OpenAsync(_folder.Url()))
        {
            await broker.DeclareAsync("q");
            await using var consumer = await broker.ConsumeAsync("q", prefetch: 500);
            for (var round = 0; round < 15; round++)
            {
                await broker.PublishManyAsync("q", 1000, size: 4000);
                for (var taken = 0; taken < 1000; taken++)
                {
                    await consumer.TakeAsync();
                }
            }
        }

        // 60 MB went through; 4 MB were there at one time.
        new FileInfo(_folder.File()).Length.ShouldBeLessThan(15_000_000);
        File.Exists(_folder.File() + "-wal").ShouldBeFalse();
    }

    [Fact]
    public async Task The_write_ahead_log_is_copied_back_while_the_broker_works()
    {
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await broker.DeclareAsync("q");
        for (var round = 0; round < 15; round++)
        {
            await broker.PublishManyAsync("q", 1000, size: 4000);
        }

        new FileInfo(_folder.File() + "-wal").Length.ShouldBeLessThan(45_000_000);
        new FileInfo(_folder.File()).Length.ShouldBeGreaterThan(20_000_000);
    }

    [Fact]
    public async Task The_rows_of_a_purged_queue_and_of_a_deleted_one_go_in_small_steps()
    {
        var clock = new ManualClock();
        await using var broker = await Brokers.OpenAsync(_folder.Url(), clock);
        await broker.DeclareAsync(new QueueSpec("purged"), new QueueSpec("deleted"), new QueueSpec("kept"));
        await Task.WhenAll(broker.PublishManyAsync("purged", 5000), broker.PublishManyAsync("deleted", 5000), broker.PublishManyAsync("kept", 10));

        (await broker.Inspector.PurgeAsync("purged", Brokers.Cancel).Within()).ShouldBe(5000);
        await broker.Topology.DeleteQueueAsync("deleted", Brokers.Cancel).Within();
        await broker.PublishAsync("purged", "after");

        (await broker.QueueAsync("purged")).MessagesReady.ShouldBe(1);
        clock.Advance(TimeSpan.FromSeconds(2));
        await Deadline.Until(() => Task.FromResult(_folder.Query("SELECT count(*) FROM message")), rows => rows == 11, "only what still waits");
        _folder.Query("SELECT count(*) FROM ready").ShouldBe(11);
        await using var consumer = await broker.ConsumeAsync("purged");
        (await consumer.TakeAsync()).ShouldBe("after");
    }

    [Fact]
    public async Task Freed_pages_are_given_back_to_the_disk()
    {
        var clock = new ManualClock();
        await using var broker = await Brokers.OpenAsync(_folder.Url(), clock);
        await broker.DeclareAsync("q");
        for (var round = 0; round < 5; round++)
        {
            await broker.PublishManyAsync("q", 1000, size: 4000);
        }

        await broker.Inspector.PurgeAsync("q", Brokers.Cancel).Within();
        await Deadline.Until(TickAsync, pages => pages < 5000, "the freed pages given back");

        async Task<long> TickAsync()
        {
            clock.Advance(TimeSpan.FromSeconds(6));
            await broker.QueueAsync("q");
            return _folder.Query("SELECT page_count FROM pragma_page_count");
        }
    }

    /// <summary>Whatever is done to it, a queue's counts are those of its rows.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Counts_are_those_of_the_rows(int seed)
    {
        var random = new Random(seed);
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await broker.DeclareAsync(
            new QueueSpec("dead"),
            new QueueSpec("a") { MaxLength = 30, DeadLetterExchange = "", DeadLetterRoutingKey = "dead" },
            new QueueSpec("b") { DeliveryLimit = 2, DeadLetterExchange = "", DeadLetterRoutingKey = "dead" },
            new QueueSpec("c") { MaxLength = 10, RejectPublishWhenFull = true, MessageTtl = TimeSpan.FromMilliseconds(20) });
        string[] queues = ["a", "b", "c", "dead"];
        for (var step = 0; step < 60; step++)
        {
            var queue = queues[random.Next(queues.Length)];
            switch (random.Next(6))
            {
                case 0:
                    await broker.Inspector.PurgeAsync(queue, Brokers.Cancel).Within();
                    break;
                case 1 or 2:
                    var due = random.Next(3) == 0 ? TimeProvider.System.GetUtcNow().AddMilliseconds(random.Next(100)) : (DateTimeOffset?)null;
                    await Task.WhenAll(Enumerable.Range(0, random.Next(40)).Select(number => TryPublishAsync(queue, $"{step}.{number}", due)));
                    break;
                default:
                    await using (var consumer = await broker.ConsumeAsync(queue, prefetch: 20))
                    {
                        while (random.Next(20) > 0 && consumer.Deliveries.TryRead(out var delivery))
                        {
                            await delivery.SettleAsync((Settlement)random.Next(3), Brokers.Cancel).Within();
                        }
                    }

                    break;
            }
        }

        foreach (var queue in queues)
        {
            await Deadline.Until(() => Task.FromResult(Drift(queue)), drift => drift == 0, $"the counts of {queue}");
        }

        async Task TryPublishAsync(string queue, string text, DateTimeOffset? due)
        {
            try
            {
                await broker.PublishAsync(queue, text, due);
            }
            catch (PublishRefusedException) when (queue == "c")
            {
                // It is full.
            }
        }
    }

    /// <summary>A million waiting messages must not make one claim slower: it reads a prefix of the table's own order.</summary>
    [Theory]
    [InlineData("SELECT message_id FROM ready WHERE lane = 1 ORDER BY rank, place LIMIT 10")]
    [InlineData("DELETE FROM ready WHERE lane = 1 AND (rank, place) <= (255, 10)")]
    [InlineData("SELECT due FROM delayed ORDER BY due LIMIT 1")]
    [InlineData("SELECT lane, rank, place, message_id FROM ready WHERE expires < 10 ORDER BY expires LIMIT 10")]
    [InlineData("SELECT expires FROM ready WHERE expires IS NOT NULL ORDER BY expires LIMIT 1")]
    public async Task What_the_message_path_asks_is_answered_from_an_index(string sql)
    {
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        using var database = new SqliteDatabase(_folder.File());
        using var plan = database.PrepareOnce("EXPLAIN QUERY PLAN " + sql);
        var steps = new List<string>();
        while (plan.Step())
        {
            steps.Add(plan.Text(3));
        }

        steps.ShouldNotBeEmpty();
        steps.ShouldAllBe(step => !step.Contains("TEMP B-TREE", StringComparison.Ordinal));
        steps.ShouldAllBe(
            step => step.Contains("PRIMARY KEY", StringComparison.Ordinal) || step.Contains("INDEX", StringComparison.Ordinal)
                || step == "SCAN TABLE delayed", // in the order of its primary key, first row only
            string.Join("; ", steps));
    }

    private long Drift(string queue) => _folder.Query($"""
        SELECT abs(c.ready - (SELECT count(*) FROM ready r WHERE r.lane = q.lane))
             + abs(c.delayed - (SELECT count(*) FROM delayed d WHERE d.queue_id = q.id))
             + abs(c.unacked - (SELECT count(*) FROM lease l WHERE l.queue_id = q.id))
        FROM queue q JOIN queue_count c ON c.queue_id = q.id WHERE q.name = '{queue}'
        """);
}
