using System.Text;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using RabbitArq.Conformance.Brokers;
using RabbitArq.Conformance.Processes;
using RabbitArq.Messages;
using RabbitArq.Routing;
using RabbitArq.Sqlite.Storage;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

/// <summary>A folder of one test, deleted with it.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("rabbitarq-sqlite-").FullName;

    public string File(string name = "jobs.db") => System.IO.Path.Combine(Path, name);

    public string Url(string name = "jobs.db") => "sqlite:" + File(name);

    /// <summary>Looks into the file from outside.</summary>
    public long Query(string sql)
    {
        using var database = new SqliteDatabase(File());
        database.SetBusyTimeout(10_000);
        return database.QueryInt64(sql);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>
/// The system's clock, but another object: a process opens one store per file and clock, so two of these are two nodes on
/// one file, each with its own connection, thread and lock, as in two processes.
/// </summary>
internal sealed class AnotherClock : TimeProvider;

/// <summary>Short forms for tests of this broker alone.</summary>
internal static class Brokers
{
    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static Task<IBroker> OpenAsync(string url, TimeProvider? clock = null, TimeSpan? timeout = null) =>
        new SqliteBrokerFactory().OpenAsync(
            new BrokerOptions
            {
                Url = url,
                TimeProvider = clock ?? TimeProvider.System,
                ConnectionTimeout = timeout ?? TimeSpan.FromSeconds(30),
                PublishTimeout = timeout ?? TimeSpan.FromSeconds(30),
            },
            Cancel).Within();

    public static Task DeclareAsync(this IBroker broker, params QueueSpec[] queues) =>
        broker.Topology.ApplyAsync(new TopologyPlan { Queues = queues }, Cancel).Within();

    public static Task DeclareAsync(this IBroker broker, params string[] queues) =>
        broker.DeclareAsync([.. queues.Select(queue => new QueueSpec(queue))]);

    public static Task PublishAsync(this IBroker broker, string queue, string text, DateTimeOffset? due = null) =>
        broker.Publisher.PublishAsync(new PublishRequest(Text(text), queue) { DueAt = due }, Cancel).Within();

    /// <summary>Publishes m0, m1 … with all confirms outstanding at once.</summary>
    public static Task PublishManyAsync(this IBroker broker, string queue, int count, int size = 10) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(number =>
            broker.Publisher.PublishAsync(
                new PublishRequest(Text($"m{number}".PadRight(size)) with { MessageId = $"m{number}" }, queue), Cancel).AsTask()))
            .Within(TimeSpan.FromMinutes(2));

    public static Task<IBrokerConsumer> ConsumeAsync(this IBroker broker, string queue, int prefetch = 10) =>
        broker.ConsumeAsync(new ConsumerSpec(queue, prefetch), Cancel).Within();

    public static async Task<string> TakeAsync(this IBrokerConsumer consumer)
    {
        var delivery = await consumer.NextAsync();
        await delivery.SettleAsync(Settlement.Ack, Cancel).Within();
        return delivery.Text();
    }

    public static string Text(this Delivery delivery) => Encoding.UTF8.GetString(delivery.Message.Body.Span);

    public static async Task<QueueInfo> QueueAsync(this IBroker broker, string queue) =>
        (await broker.Inspector.FindQueueAsync(queue, Cancel).Within()).ShouldNotBeNull();

    public static Task<QueueInfo> UntilAsync(this IBroker broker, string queue, Predicate<QueueInfo> wanted, string what) =>
        Deadline.Until(() => broker.QueueAsync(queue), wanted, what);

    private static BrokerMessage Text(string text) => new() { Body = Encoding.UTF8.GetBytes(text), MessageId = text };
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
