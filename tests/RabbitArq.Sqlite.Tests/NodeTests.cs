using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Sqlite.Storage;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

/// <summary>The locks by which processes know that another is alive.</summary>
public sealed class NodeTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_lock_is_held_by_one_and_gone_with_it()
    {
        var held = NodeLock.Create(_folder.File());

        NodeLock.TryTakeOver(_folder.File(), held.Name).ShouldBeNull();
        held.Dispose();

        File.Exists(held.Path).ShouldBeFalse();
        using var taken = NodeLock.TryTakeOver(_folder.File(), held.Name).ShouldNotBeNull();
    }

    [Fact]
    public void Only_old_locks_that_nobody_holds_or_knows_are_deleted_as_orphans()
    {
        using var held = NodeLock.Create(_folder.File());
        var fresh = _folder.File("jobs.db-session-fresh");
        var known = _folder.File("jobs.db-session-known");
        var orphan = _folder.File("jobs.db-session-orphan");
        foreach (var path in new[] { fresh, known, orphan })
        {
            File.WriteAllText(path, "");
        }

        var later = TimeProvider.System.GetUtcNow().AddHours(1);
        File.SetLastWriteTimeUtc(fresh, later.UtcDateTime);
        NodeLock.DeleteOrphans(_folder.File(), new HashSet<string> { "jobs.db-session-known" }, later);

        File.Exists(held.Path).ShouldBeTrue();
        File.Exists(fresh).ShouldBeTrue();
        File.Exists(known).ShouldBeTrue();
        File.Exists(orphan).ShouldBeFalse();
    }

    /// <summary>Somebody tidies up beside the file while processes run: messages are delivered again, nothing else breaks.</summary>
    [Fact]
    public async Task A_process_whose_lock_file_was_deleted_goes_on_after_others_took_it_for_dead()
    {
        await using var broker = await Brokers.OpenAsync(_folder.Url());
        await broker.DeclareAsync("q");
        await broker.PublishAsync("q", "m");
        await using var consumer = await broker.ConsumeAsync("q");
        var held = await consumer.NextAsync();
        File.Delete(Directory.GetFiles(_folder.Path, "*-session-*").Single());

        await using var other = await Brokers.OpenAsync(_folder.Url(), new AnotherClock());

        var again = await consumer.NextAsync();
        again.Text().ShouldBe("m");
        again.DeliveryCount.ShouldBe(1);
        held.IsLive.ShouldBeFalse();
        again.IsLive.ShouldBeTrue();
        await held.SettleAsync(Settlement.Ack, Brokers.Cancel).Within();
        (await broker.QueueAsync("q")).MessagesUnacknowledged.ShouldBe(1, "A late ack of a dead delivery does not count.");
        await again.SettleAsync(Settlement.Ack, Brokers.Cancel).Within();
        await broker.UntilAsync("q", info => info is { MessagesReady: 0, MessagesUnacknowledged: 0, Consumers: 1 }, "the second ack");
    }
}
