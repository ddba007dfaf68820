using System.Diagnostics;
using RabbitArq.Brokers;
using RabbitArq.Routing;

namespace RabbitArq.Benchmarks;

/// <summary>
/// The queues of a run: declared alike for both sides, emptied before each measurement, counted after it, deleted at the end.
/// </summary>
internal sealed class Queues : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly IBroker _broker;
    private readonly BenchmarkSettings _settings;
    private readonly List<JobQueue> _declared = [];

    private Queues(IBroker broker, BenchmarkSettings settings)
    {
        _broker = broker;
        _settings = settings;
        var run = Guid.NewGuid().ToString("N")[..8];
        Ours = $"rabbitarq.benchmark.{run}.ours";
        Bare = $"rabbitarq.benchmark.{run}.bare";
    }

    public string Ours { get; }

    public string Bare { get; }

    public static async Task<Queues> OpenAsync(string url, BenchmarkSettings settings, CancellationToken cancellationToken) =>
        new(await BrokerFactories.OpenAsync(new BrokerOptions { Url = url, ClientName = "rabbitarq benchmark" }, [], cancellationToken), settings);

    public Task<BrokerInfo> DescribeAsync(CancellationToken cancellationToken) => _broker.Inspector.GetBrokerAsync(cancellationToken);

    /// <summary>Declares a queue as RabbitArq's clients and workers do: the bare side gets the same arguments.</summary>
    public async Task DeclareAsync(string name, CancellationToken cancellationToken)
    {
        var queue = new JobQueue(name) { Type = _settings.QueueType };
        _declared.Add(queue);
        await _broker.Topology.ApplyAsync(queue.ToPlan(), cancellationToken);
    }

    public Task EmptyAsync(string name, CancellationToken cancellationToken) => _broker.Inspector.PurgeAsync(name, cancellationToken);

    /// <summary>Sees to it that what was measured has really happened.</summary>
    /// <exception cref="BenchmarkException">The queue does not come to hold that many messages.</exception>
    public async Task ExpectAsync(string name, long messages, string after, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var waiting = (await _broker.Inspector.FindQueueAsync(name, cancellationToken))?.MessagesReady;
            if (waiting == messages)
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new BenchmarkException($"{after}: {(waiting is { } number ? number : "no")} messages wait in {name}, expected were {messages}: the figure would be worth nothing.");
            }

            // The broker counts a moment after it has confirmed.
            await Task.Delay(20, cancellationToken);
        }
    }

    /// <summary>Deletes the queues, also after a failure and when the run was cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            foreach (var queue in _declared)
            {
                await _broker.Topology.DeleteQueueAsync(queue.Name, patience.Token);
                await _broker.Topology.DeleteQueueAsync(queue.DeadLetterQueueName, patience.Token);
            }
        }
        catch (Exception exception) when (exception is BrokerException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"The queues named {Ours[..^5]}.* could not be deleted: {exception.Message}");
        }
        finally
        {
            await _broker.DisposeAsync();
        }
    }
}
