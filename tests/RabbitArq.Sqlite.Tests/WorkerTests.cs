using RabbitArq.Conformance.Workers;
using RabbitArq.Routing;

namespace RabbitArq.Sqlite.Tests;

public sealed class WorkerInMemory() : WorkerConformance(new MemoryWorkerFixture());

public sealed class WorkerOnAFile() : WorkerConformance(new FileWorkerFixture());

public sealed class WorkerInMemoryAtLength() : WorkerEndurance(new MemoryWorkerFixture());

public sealed class WorkerOnAFileAtLength() : WorkerEndurance(new FileWorkerFixture());

internal sealed class MemoryWorkerFixture() : WorkerFixture(QueueType.Quorum)
{
    public override string Url { get; } = "sqlite::memory:" + Guid.NewGuid().ToString("N");
}

internal sealed class FileWorkerFixture() : WorkerFixture(QueueType.Quorum)
{
    private readonly TestFolder _folder = new();

    public override string Url => _folder.Url();

    protected override ValueTask DisposeCoreAsync()
    {
        _folder.Dispose();
        return base.DisposeCoreAsync();
    }
}
