using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Sqlite.Storage;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

/// <summary>Another program, here a second connection of the test, holds SQLite's write lock.</summary>
public sealed class LockTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_publish_waits_for_a_lock_that_is_held_for_a_moment()
    {
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await broker.DeclareAsync("q");
        using var holder = Hold();
        var publishing = broker.Publisher.PublishAsync(Request("m"), Brokers.Cancel).AsTask();

        // A read needs no lock: that it is answered shows that the thread was not at the publish alone.
        publishing.IsCompleted.ShouldBeFalse();
        holder.Execute("COMMIT");

        await publishing.Within();
        (await broker.QueueAsync("q")).MessagesReady.ShouldBe(1);
    }

    [Fact]
    public async Task A_publish_fails_typed_when_the_lock_is_held_for_too_long_and_the_next_one_works()
    {
        await using var broker = await Brokers.OpenAsync(_folder.Url(), timeout: TimeSpan.FromMilliseconds(400));
        await broker.DeclareAsync("q");
        using (var holder = Hold())
        {
            var failure = await Should.ThrowAsync<BrokerBlockedException>(
                () => broker.Publisher.PublishAsync(Request("never"), Brokers.Cancel).Within());
            failure.MayHaveArrived.ShouldBeFalse();
            failure.Message.ShouldContain("locked by another program");
            failure.Request.Message.MessageId.ShouldBe("never");

            var declaring = await Should.ThrowAsync<BrokerUnreachableException>(() => broker.DeclareAsync("q2"));
            declaring.Message.ShouldContain(_folder.File());
            holder.Execute("COMMIT");
        }

        await broker.PublishAsync("q", "m");
        await using var consumer = await broker.ConsumeAsync("q");
        (await consumer.TakeAsync()).ShouldBe("m");
        await broker.UntilAsync("q", info => info is { MessagesReady: 0, MessagesUnacknowledged: 0 }, "nothing but the second");
    }

    [Fact]
    public async Task A_settlement_survives_a_lock_that_is_held_for_longer_than_any_timeout()
    {
        await using var broker = await Brokers.OpenAsync(_folder.Url(), timeout: TimeSpan.FromMilliseconds(300));
        await broker.DeclareAsync("q");
        await broker.PublishAsync("q", "m");
        await using var consumer = await broker.ConsumeAsync("q");
        var delivery = await consumer.NextAsync();
        using (var holder = Hold())
        {
            (await delivery.SettleAsync(Settlement.Ack, Brokers.Cancel).Within()).ShouldBeTrue();
            await Should.ThrowAsync<BrokerException>(() => broker.Publisher.PublishAsync(Request("never"), Brokers.Cancel).Within());
            holder.Execute("COMMIT");
        }

        await broker.UntilAsync("q", info => info is { MessagesReady: 0, MessagesUnacknowledged: 0 }, "the ack");
    }

    [Fact]
    public async Task A_publish_that_was_cancelled_while_it_waited_is_not_stored()
    {
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await broker.DeclareAsync("q");
        using var holder = Hold();
        var first = broker.Publisher.PublishAsync(Request("first"), Brokers.Cancel).AsTask();
        using var giveUp = new CancellationTokenSource();
        var second = broker.Publisher.PublishAsync(Request("second"), giveUp.Token).AsTask();

        await giveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => second.Within());
        holder.Execute("COMMIT");
        await first.Within();
    }

    [Fact]
    public async Task Disposing_while_the_file_is_locked_ends_in_bounded_time_and_what_was_held_comes_back()
    {
        var broker = await Brokers.OpenAsync(_folder.Url(), timeout: TimeSpan.FromMilliseconds(300));
        await broker.DeclareAsync("q");
        await broker.PublishAsync("q", "m");
        var consumer = await broker.ConsumeAsync("q");
        await consumer.NextAsync();
        using (var holder = Hold())
        {
            await broker.DisposeAsync().Within();
            holder.Execute("COMMIT");
        }

        await using var next = await Brokers.OpenAsync(_folder.Url());
        await using var taking = await next.ConsumeAsync("q");
        (await taking.TakeAsync()).ShouldBe("m");
    }

    private static PublishRequest Request(string id) =>
        new(new Messages.BrokerMessage { Body = "m"u8.ToArray(), MessageId = id }, "q");

    private SqliteDatabase Hold()
    {
        var holder = new SqliteDatabase(_folder.File());
        holder.SetBusyTimeout(10_000);
        holder.Execute("BEGIN IMMEDIATE");
        return holder;
    }
}
