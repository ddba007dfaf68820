using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Sqlite.Storage;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

/// <summary>What can be wrong with a file, each with its own answer.</summary>
public sealed class OpeningTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_missing_folder_is_an_error_that_names_it()
    {
        var failure = await FailsAsync<BrokerUnreachableException>("sqlite:" + Path.Combine(_folder.Path, "missing", "jobs.db"));

        failure.Message.ShouldContain(Path.Combine(_folder.Path, "missing") + "'");
        Directory.Exists(Path.Combine(_folder.Path, "missing")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_folder_instead_of_a_file_is_an_error()
    {
        var failure = await FailsAsync<BrokerUnreachableException>("sqlite:" + _folder.Path);

        failure.Message.ShouldContain("Add a file name");
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_an_error_and_stays_as_it_is()
    {
        var text = string.Concat(Enumerable.Repeat("Not a database at all. ", 100));
        await File.WriteAllTextAsync(_folder.File(), text, Brokers.Cancel);

        var failure = await FailsAsync<BrokerException>(_folder.Url());

        failure.Message.ShouldContain("not an SQLite database");
        (await File.ReadAllTextAsync(_folder.File(), Brokers.Cancel)).ShouldBe(text);
    }

    [Fact]
    public async Task The_database_of_another_application_is_left_alone()
    {
        using (var database = new SqliteDatabase(_folder.File()))
        {
            database.Execute("CREATE TABLE customer(name TEXT)");
        }

        var failure = await FailsAsync<BrokerException>(_folder.Url());

        failure.Message.ShouldContain("another application");
        _folder.Query("SELECT count(*) FROM sqlite_master").ShouldBe(1);
    }

    [Fact]
    public async Task A_file_of_a_newer_version_is_an_error_that_names_both_versions()
    {
        await (await Brokers.OpenAsync(_folder.Url())).DisposeAsync().Within();
        using (var database = new SqliteDatabase(_folder.File()))
        {
            database.Execute($"PRAGMA user_version={Schema.Version + 7}");
        }

        var failure = await FailsAsync<BrokerException>(_folder.Url());

        failure.Message.ShouldContain($"format {Schema.Version + 7}");
        failure.Message.ShouldContain($"up to {Schema.Version}");
    }

    [Fact]
    public async Task A_damaged_file_is_an_error_that_says_what_to_do()
    {
        await using (var broker = await Brokers.OpenAsync(_folder.Url()))
        {
            await broker.DeclareAsync("q");
            await broker.PublishManyAsync("q", 500, size: 500);
        }

        using (var stream = File.Open(_folder.File(), FileMode.Open))
        {
            // All but the header of the first page.
            stream.Position = 100;
            stream.Write(Enumerable.Repeat((byte)0xA5, (int)stream.Length - 100).ToArray());
        }

        var failure = await FailsAsync<BrokerException>(_folder.Url());

        failure.Message.ShouldContain("damaged");
        failure.Message.ShouldContain(".recover");
    }

    [Fact]
    public async Task A_file_that_another_program_locks_for_too_long_is_an_error_in_bounded_time()
    {
        using var holder = new SqliteDatabase(_folder.File());
        holder.Execute("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE t(x)");

        var failure = await FailsAsync<BrokerUnreachableException>(_folder.Url(), TimeSpan.FromMilliseconds(300));

        failure.Message.ShouldContain("locked by another program");
    }

    /// <summary>Signing in needs the write lock; each try makes a lock file, and takes it away again.</summary>
    [Fact]
    public async Task An_opening_that_waits_for_a_lock_leaves_no_files_behind()
    {
        await (await Brokers.OpenAsync(_folder.Url())).DisposeAsync().Within();
        using (var holder = new SqliteDatabase(_folder.File()))
        {
            holder.Execute("BEGIN IMMEDIATE");
            await FailsAsync<BrokerUnreachableException>(_folder.Url(), TimeSpan.FromMilliseconds(500));
        }

        Directory.GetFiles(_folder.Path, "*-session-*").ShouldBeEmpty();
    }

    [Fact]
    public async Task Many_who_create_the_same_file_at_once_all_succeed()
    {
        var opened = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Brokers.OpenAsync(_folder.Url(), new AnotherClock())))).Within();

        await opened[0].DeclareAsync("q");
        foreach (var broker in opened)
        {
            await broker.PublishAsync("q", "m");
        }

        (await opened[7].QueueAsync("q")).MessagesReady.ShouldBe(8);
        await Task.WhenAll(opened.Select(broker => broker.DisposeAsync().AsTask())).Within();
        Directory.GetFiles(_folder.Path).ShouldBe([_folder.File()], "Nothing is left beside the file when the last has gone.");
    }

    [Fact]
    public async Task A_failed_opening_can_be_tried_again()
    {
        var missing = Path.Combine(_folder.Path, "later");
        var url = "sqlite:" + Path.Combine(missing, "jobs.db");
        await FailsAsync<BrokerUnreachableException>(url);
        Directory.CreateDirectory(missing);

        await using var broker = await Brokers.OpenAsync(url);

        (await broker.Inspector.GetBrokerAsync(Brokers.Cancel).Within()).Url.ShouldBe(url);
    }

    [Fact]
    public async Task A_lock_file_that_somebody_left_is_deleted()
    {
        var orphan = _folder.File() + "-session-00000000000000000000000000000000";
        await File.WriteAllTextAsync(orphan, "", Brokers.Cancel);
        File.SetLastWriteTimeUtc(orphan, TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-1));

        await using var broker = await Brokers.OpenAsync(_folder.Url());

        File.Exists(orphan).ShouldBeFalse();
    }

    private static Task<T> FailsAsync<T>(string url, TimeSpan? timeout = null)
        where T : BrokerException =>
        Should.ThrowAsync<T>(() => Brokers.OpenAsync(url, new AnotherClock(), timeout));
}
