using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Localization;
using RabbitArq.Sqlite.Storage;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

public sealed class UrlTests
{
    [Theory]
    [InlineData("sqlite:jobs.db", "jobs.db")]
    [InlineData("SQLITE:jobs.db", "jobs.db")]
    [InlineData("sqlite:./data/jobs.db", "data/jobs.db")]
    [InlineData("sqlite:../jobs.db", "../jobs.db")]
    [InlineData("sqlite:/var/lib/jobs.db", "/var/lib/jobs.db")]
    [InlineData("sqlite:///var/lib/jobs.db", "/var/lib/jobs.db")]
    [InlineData("sqlite:with space%20and percent.db", "with space%20and percent.db")]
    [InlineData("sqlite:jobs.db?synchronous=normal", "jobs.db")]
    public void A_url_names_a_file(string url, string path)
    {
        var location = StoreLocation.Parse(url);

        location.IsMemory.ShouldBeFalse();
        location.Path.ShouldBe(Path.GetFullPath(path));
        location.SyncEachCommit.ShouldBeFalse();
    }

    [Fact]
    public void A_url_may_ask_for_a_sync_at_each_commit() =>
        StoreLocation.Parse("sqlite:jobs.db?synchronous=full").SyncEachCommit.ShouldBeTrue();

    [Theory]
    [InlineData("sqlite::memory:", "")]
    [InlineData("sqlite::memory:name", "name")]
    public void A_url_may_name_memory(string url, string name)
    {
        var location = StoreLocation.Parse(url);

        location.IsMemory.ShouldBeTrue();
        location.MemoryName.ShouldBe(name);
        location.Url.ShouldBe(url);
    }

    [Theory]
    [InlineData("sqlite:")]
    [InlineData("sqlite:  ")]
    [InlineData("sqlite:?synchronous=full")]
    [InlineData("sqlite://host/jobs.db")]
    [InlineData("sqlite:jobs.db?sync=full")]
    [InlineData("sqlite:jobs.db?synchronous=off")]
    [InlineData("file:jobs.db")]
    public async Task A_url_that_cannot_be_used_is_an_error_that_says_how_to_write_it(string url)
    {
        var failure = await Should.ThrowAsync<BrokerUrlException>(() => Brokers.OpenAsync(url));

        failure.Message.ShouldContain(failure.Message.Contains("option", StringComparison.Ordinal) ? "synchronous=" : "sqlite:jobs.db");
    }

    [Fact]
    public async Task Errors_come_in_chinese_too()
    {
        Language.SetForFlow("zh-CN");
        try
        {
            var failure = await Should.ThrowAsync<BrokerUrlException>(() => Brokers.OpenAsync("sqlite:"));
            failure.Message.ShouldContain("代理 URL");
        }
        finally
        {
            Language.SetForFlow(null);
        }
    }

    [Fact]
    public async Task Everybody_in_the_process_shares_a_broker_in_memory_and_it_ends_with_the_last()
    {
        var url = "sqlite::memory:" + Guid.NewGuid();
        await using var other = await Brokers.OpenAsync("sqlite::memory:" + Guid.NewGuid());
        var first = await Brokers.OpenAsync(url);
        var second = await Brokers.OpenAsync(url);
        await first.DeclareAsync("q");
        await first.PublishAsync("q", "m");

        await first.DisposeAsync().Within();
        (await second.QueueAsync("q")).MessagesReady.ShouldBe(1);
        (await other.Inspector.FindQueueAsync("q", Brokers.Cancel).Within()).ShouldBeNull();
        await second.DisposeAsync().Within();

        await using var third = await Brokers.OpenAsync(url);
        (await third.Inspector.FindQueueAsync("q", Brokers.Cancel).Within()).ShouldBeNull();
    }
}
