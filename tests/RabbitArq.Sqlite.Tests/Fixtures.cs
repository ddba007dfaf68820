using RabbitArq.Brokers;
using RabbitArq.Conformance.Brokers;
using RabbitArq.Conformance.Processes;
using RabbitArq.Routing;

namespace RabbitArq.Sqlite.Tests;

/// <summary>A folder of one test, deleted with it.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("rabbitarq-sqlite-").FullName;

    public string File(string name = "jobs.db") => System.IO.Path.Combine(Path, name);

    public string Url(string name = "jobs.db") => "sqlite:" + File(name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>
/// The system's clock, but another object: a process opens one store per file and clock, so two of these are two nodes on
/// one file, each with its own connection, thread and lock, as in two processes.
/// </summary>
internal sealed class AnotherClock : TimeProvider;

internal static class Brokers
{
    public static Task<IBroker> OpenAsync(string url, TimeProvider? clock = null) =>
        new SqliteBrokerFactory().OpenAsync(new BrokerOptions { Url = url, TimeProvider = clock ?? TimeProvider.System });
}

internal sealed class MemoryFixture(QueueType queueType) : BrokerFixture(queueType)
{
    private readonly string _url = "sqlite::memory:" + Guid.NewGuid().ToString("N");

    protected override Task<IBroker> OpenCoreAsync() => Brokers.OpenAsync(_url);
}

/// <summary>Everything through one node on a file.</summary>
internal class FileFixture(QueueType queueType) : BrokerFixture(queueType)
{
    private readonly TestFolder _folder = new();

    protected string Url => _folder.Url();

    protected override Task<IBroker> OpenCoreAsync() => Brokers.OpenAsync(Url);

    protected override Task<BrokerProcess> StartProcessCoreAsync() => BrokerProcess.StartAsync<SqliteBrokerFactory>(Url);

    protected override async ValueTask DisposeCoreAsync()
    {
        await base.DisposeCoreAsync();
        _folder.Dispose();
    }
}

internal sealed class TwoNodesFixture(QueueType queueType) : FileFixture(queueType)
{
    protected override Task<IBroker> OpenOtherCoreAsync() => Brokers.OpenAsync(Url, new AnotherClock());
}

internal sealed class TwoProcessesFixture(QueueType queueType) : FileFixture(queueType)
{
    protected override async Task<IBroker> OpenOtherCoreAsync() => await StartProcessCoreAsync();
}
