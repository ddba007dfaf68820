using System.Collections.Concurrent;
using System.Diagnostics;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Conformance.Processes;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

/// <summary>Real processes on one file. What the suite states for every broker is not repeated here.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Two_processes_drain_a_hundred_thousand_messages_each_once()
    {
        const int Count = 100_000;
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await broker.DeclareAsync("q");
        await broker.PublishManyAsync("q", Count);
        await using var process = await BrokerProcess.StartAsync<SqliteBrokerFactory>(_folder.Url());
        var taken = new ConcurrentDictionary<string, string>();
        var left = Count;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var there = await process.ConsumeAsync("q", prefetch: 500);
        await using var here = await broker.ConsumeAsync("q", prefetch: 500);

        var draining = new[] { DrainAsync(there, "there"), DrainAsync(here, "here") };
        await Task.WhenAny(done.Task, Task.WhenAll(draining)).Within(TimeSpan.FromMinutes(2));

        taken.Count.ShouldBe(Count);
        taken.Values.Distinct().Order().ShouldBe(["here", "there"]);
        var empty = await broker.UntilAsync("q", info => info.MessagesUnacknowledged == 0, "all settled");
        empty.MessagesReady.ShouldBe(0);
        _folder.Query("SELECT count(*) FROM message").ShouldBe(0);

        async Task DrainAsync(IBrokerConsumer consumer, string who)
        {
            await foreach (var delivery in consumer.Deliveries.ReadAllAsync(Brokers.Cancel))
            {
                taken.TryAdd(delivery.Message.MessageId!, who).ShouldBeTrue($"{delivery.Message.MessageId} came twice.");
                _ = delivery.SettleAsync(Settlement.Ack, Brokers.Cancel).AsTask();
                if (Interlocked.Decrement(ref left) == 0)
                {
                    done.SetResult();
                }
            }
        }
    }

    [Fact]
    public async Task What_a_killed_process_leaves_behind_is_cleaned_up()
    {
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await broker.DeclareAsync("q");
        await broker.PublishManyAsync("q", 20);
        var process = await BrokerProcess.StartAsync<SqliteBrokerFactory>(_folder.Url());
        await process.DeclareAsync(new QueueSpec("own") { Type = QueueType.Classic, Exclusive = true, Durable = false });
        var consumer = await process.ConsumeAsync("q", prefetch: 20);
        await consumer.NextAsync(20);
        Locks().Length.ShouldBe(2);

        await process.KillAsync();

        var info = await broker.UntilAsync("q", queue => queue is { MessagesReady: 20, Consumers: 0 }, "the messages back");
        info.MessagesUnacknowledged.ShouldBe(0);
        await Deadline.Until(() => Task.FromResult(Locks().Length), count => count == 1, "the dead process's lock file gone");
        (await broker.Inspector.FindQueueAsync("own", Brokers.Cancel).Within()).ShouldBeNull("An exclusive queue goes with its process.");
        await using var next = await broker.ConsumeAsync("q", prefetch: 20);
        (await next.NextAsync(20)).ShouldAllBe(delivery => delivery.DeliveryCount == 1 && delivery.Redelivered);
    }

    [Fact]
    public async Task What_a_killed_process_held_is_there_for_whoever_opens_the_file_next()
    {
        var process = await BrokerProcess.StartAsync<SqliteBrokerFactory>(_folder.Url());
        await process.DeclareAsync("q");
        await process.PublishAsync("q", "m");
        await (await process.ConsumeAsync("q")).NextAsync();
        await process.KillAsync();

        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await using var consumer = await broker.ConsumeAsync("q");

        (await consumer.NextAsync()).DeliveryCount.ShouldBe(1);
    }

    [Fact]
    public async Task A_process_killed_in_the_middle_of_its_transactions_leaves_a_sound_file()
    {
        for (var round = 0; round < 3; round++)
        {
            var process = await BrokerProcess.StartAsync<SqliteBrokerFactory>(_folder.Url());
            await process.DeclareAsync("q");
            await using var consumer = await process.ConsumeAsync("q", prefetch: 50);
            var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var publishing = Enumerable.Range(0, 400).Select(async number =>
            {
                try
                {
                    await process.PublishAsync("q", $"m{number}");
                    first.TrySetResult();
                }
                catch (PublishUnconfirmedException)
                {
                    // It was on its way when the process died.
                }
            }).ToList();
            await first.Task.Within();
            await process.KillAsync();
            await Task.WhenAll(publishing).Within();
        }

        await using var broker = await Brokers.OpenAsync(_folder.Url());
        var info = await broker.UntilAsync("q", queue => queue.MessagesUnacknowledged == 0, "nothing held by the dead");
        info.MessagesReady.ShouldBe(_folder.Query("SELECT count(*) FROM ready"));
        info.MessagesReady.ShouldBe(_folder.Query("SELECT count(*) FROM message"));
        _folder.Query("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'").ShouldBe(1);
    }

    [Fact]
    public async Task A_stopped_process_keeps_what_it_holds()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "Declared: only Unix can stop a process.");
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await broker.DeclareAsync("q");
        await broker.PublishAsync("q", "held");
        await using var process = await BrokerProcess.StartAsync<SqliteBrokerFactory>(_folder.Url());
        await using var stopped = await process.ConsumeAsync("q", prefetch: 1);
        var held = await stopped.NextAsync();
        var id = (int)_folder.Query("SELECT process_id FROM node ORDER BY id DESC LIMIT 1");
        id.ShouldNotBe(Environment.ProcessId);
        Signal("STOP", id);
        try
        {
            // Two later nodes have looked for dead processes: each does when it opens the file.
            await using (await Brokers.OpenAsync(_folder.Url(), new AnotherClock()))
            await using (await Brokers.OpenAsync(_folder.Url(), new AnotherClock()))
            {
                (await broker.QueueAsync("q")).MessagesUnacknowledged.ShouldBe(1);
            }
        }
        finally
        {
            Signal("CONT", id);
        }

        (await held.SettleAsync(Settlement.Ack, Brokers.Cancel).Within()).ShouldBeTrue();
        await broker.UntilAsync("q", info => info is { MessagesReady: 0, MessagesUnacknowledged: 0 }, "the late ack to count");
    }

    /// <summary>Ten long jobs and two processes with ten slots each: both work.</summary>
    [Fact]
    public async Task Consumers_in_two_processes_share_a_few_messages()
    {
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await using var process = await BrokerProcess.StartAsync<SqliteBrokerFactory>(_folder.Url());
        await broker.DeclareAsync("q");
        await using var here = await broker.ConsumeAsync("q", prefetch: 10);
        await using var there = await process.ConsumeAsync("q", prefetch: 10);

        var counts = await Deadline.Until(RoundAsync, share => share.Here > 0 && share.There > 0, "a round in which both get some");
        (counts.Here + counts.There).ShouldBe(10);

        async Task<(int Here, int There)> RoundAsync()
        {
            await broker.PublishManyAsync("q", 10);
            var seen = (Here: 0, There: 0);
            var held = new List<Delivery>();
            while (seen.Here + seen.There < 10)
            {
                var reading = new[] { here.Deliveries.WaitToReadAsync(Brokers.Cancel).AsTask(), there.Deliveries.WaitToReadAsync(Brokers.Cancel).AsTask() };
                await (await Task.WhenAny(reading).Within()).Within();
                while (here.Deliveries.TryRead(out var own))
                {
                    seen.Here++;
                    held.Add(own);
                }

                while (there.Deliveries.TryRead(out var other))
                {
                    seen.There++;
                    held.Add(other);
                }
            }

            foreach (var delivery in held)
            {
                await delivery.SettleAsync(Settlement.Ack, Brokers.Cancel).Within();
            }

            return seen;
        }
    }

    private string[] Locks() => Directory.GetFiles(_folder.Path, "*-session-*");

    private static void Signal(string signal, int id)
    {
        using var kill = Process.Start("kill", ["-" + signal, id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit(TimeSpan.FromSeconds(30)).ShouldBeTrue();
        kill.ExitCode.ShouldBe(0);
    }
}
