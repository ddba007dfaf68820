using System.Diagnostics;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

/// <summary>A small disk of the test's own: it can be filled, and made read-only, also for root.</summary>
public sealed class DiskTests : IDisposable
{
    private readonly string _disk = Directory.CreateTempSubdirectory("rabbitarq-disk-").FullName;
    private bool _mounted;

    public void Dispose()
    {
        if (_mounted)
        {
            Run("umount", _disk);
        }

        Directory.Delete(_disk, recursive: true);
    }

    [Fact]
    public async Task A_full_disk_blocks_publishers_keeps_what_was_confirmed_and_settles_what_was_settled_meanwhile()
    {
        Mount();
        await using var broker = await Brokers.OpenAsync(Url);
        await broker.DeclareAsync("q");
        await broker.PublishAsync("q", "first");
        await using var consumer = await broker.ConsumeAsync("q", prefetch: 1);
        var held = await consumer.NextAsync();
        var filler = Path.Combine(_disk, "filler");
        Fill(filler);

        var failure = await Should.ThrowAsync<BrokerBlockedException>(() => broker.PublishAsync("q", new string('x', 300_000)));
        failure.Message.ShouldContain("full");
        failure.MayHaveArrived.ShouldBeFalse();
        (await held.SettleAsync(Settlement.Ack, Brokers.Cancel).Within()).ShouldBeTrue();

        File.Delete(filler);
        var after = await broker.UntilAsync("q", info => info.MessagesUnacknowledged == 0, "the ack of before");
        after.MessagesReady.ShouldBe(0);
        await broker.PublishAsync("q", "second");
        (await consumer.TakeAsync()).ShouldBe("second");
    }

    [Fact]
    public async Task A_read_only_file_system_is_an_error_that_says_so()
    {
        Mount();
        await using (await Brokers.OpenAsync(Url))
        {
        }

        Run("mount", "-o", "remount,ro", _disk).ShouldBeTrue();

        var failure = await Should.ThrowAsync<BrokerAccessException>(() => Brokers.OpenAsync(Url));

        failure.Message.ShouldContain("read-only");
    }

    [Fact]
    public async Task A_new_file_on_a_read_only_file_system_is_an_error()
    {
        Mount();
        Run("mount", "-o", "remount,ro", _disk).ShouldBeTrue();

        await Should.ThrowAsync<BrokerAccessException>(() => Brokers.OpenAsync(Url));
    }

    private string Url => "sqlite:" + Path.Combine(_disk, "jobs.db");

    private void Mount()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Declared: only root on Linux may mount a small disk.");
        _mounted = Run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", _disk);
        Assert.SkipUnless(_mounted, "Declared: this machine does not let the test mount a small disk.");
    }

    private static void Fill(string path)
    {
        using var stream = File.Create(path);
        try
        {
            while (true)
            {
                stream.Write(new byte[4096]);
                stream.Flush();
            }
        }
        catch (IOException)
        {
            // That was the last block.
        }
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit(TimeSpan.FromSeconds(30)).ShouldBeTrue();
        return process.ExitCode == 0;
    }
}
