using System.Collections.Concurrent;
using RabbitArq.Brokers;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

/// <summary>Draining a queue, and the end of a broker.</summary>
public abstract partial class BrokerConformance
{
    [Fact]
    public async Task Four_consumers_on_two_brokers_drain_five_thousand_messages_each_once()
    {
        const int Count = 5000;
        var other = await OtherAsync();
        var queue = await DeclareAsync();
        foreach (var chunk in Enumerable.Range(0, Count).Chunk(1000))
        {
            await PublishAsync(queue, chunk.Select(number => $"m{number}"));
        }

        var taken = new ConcurrentBag<string>();
        var left = Count;
        var allTaken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var consumers = new List<IBrokerConsumer>();
        foreach (var broker in new[] { Broker, other, Broker, other })
        {
            consumers.Add(await ConsumeAsync(broker, queue, prefetch: 100));
        }

        var draining = Task.WhenAll(consumers.Select(consumer => Task.Run(() => DrainAsync(consumer), Cancel)));
        await Task.WhenAny(allTaken.Task, draining).Within(TimeSpan.FromMinutes(1), "draining");
        await Task.WhenAll(consumers.Select(consumer => consumer.CancelAsync(Cancel))).Within();
        await draining.Within();
        await Task.WhenAll(consumers.Select(consumer => consumer.DisposeAsync().AsTask())).Within();

        taken.Count.ShouldBe(Count);
        taken.Distinct().Count().ShouldBe(Count);
        await IsEmptyAsync(queue);

        async Task DrainAsync(IBrokerConsumer consumer)
        {
            await foreach (var delivery in consumer.Deliveries.ReadAllAsync(Cancel))
            {
                taken.Add(TextOf(delivery));
                await delivery.SettleAsync(Settlement.Ack, Cancel);
                if (Interlocked.Decrement(ref left) == 0)
                {
                    allTaken.SetResult();
                }
            }
        }
    }

    [Fact]
    public async Task Disposing_a_broker_ends_its_consumers_and_their_readers()
    {
        NeedsASharedStore();
        var ending = await OtherAsync();
        var queue = await DeclareAsync();
        var consumer = await ConsumeAsync(ending, queue);
        var waiting = consumer.Deliveries.WaitToReadAsync(Cancel).AsTask();

        await _fixture.CloseAsync(ending);

        (await waiting.Within()).ShouldBeFalse();
        consumer.IsConsuming.ShouldBeFalse();
        await consumer.DisposeAsync().Within();
        await UntilConsumersAsync(queue, 0);
    }

    /// <summary>Each publish in flight succeeds, or fails with a reason; none waits for ever, none that succeeded is lost.</summary>
    [Fact]
    public async Task Disposing_a_broker_in_the_middle_of_everything_ends_in_bounded_time_and_loses_nothing_confirmed()
    {
        NeedsASharedStore();
        var bound = TimeSpan.FromSeconds(20);
        var ending = await OtherAsync();
        var queue = await DeclareAsync();
        await PublishAsync(queue, Enumerable.Range(0, 20).Select(number => $"before{number}"));
        var consumer = await ConsumeAsync(ending, queue, prefetch: 10);
        await consumer.NextAsync(5);
        var publishing = Enumerable.Range(0, 300)
            .Select(number => TriesAsync(new PublishRequest(Text($"during{number}"), queue)))
            .ToList();

        await ending.DisposeAsync().Within(bound);
        var confirmed = (await Task.WhenAll(publishing).Within(bound)).OfType<string>().ToList();
        await _fixture.CloseAsync(ending);

        // What was never confirmed may have arrived or not.
        await using var next = await ConsumeAsync(queue, prefetch: 500);
        var arrived = new HashSet<string>();
        var missing = Enumerable.Range(0, 20).Select(number => $"before{number}").Concat(confirmed).ToHashSet();
        while (missing.Count > 0)
        {
            var text = await TakeAsync(next);
            arrived.Add(text).ShouldBeTrue($"{text} came twice.");
            missing.Remove(text);
        }

        async Task<string?> TriesAsync(PublishRequest request)
        {
            try
            {
                await ending.Publisher.PublishAsync(request, Cancel);
                return request.Message.MessageId;
            }
            catch (Exception failure) when (failure is PublishException or ObjectDisposedException)
            {
                return null;
            }
        }
    }

    [Fact]
    public async Task A_disposed_broker_refuses_work()
    {
        NeedsASharedStore();
        var ended = await OtherAsync();
        var queue = await DeclareAsync();
        await _fixture.CloseAsync(ended);

        await Should.ThrowAsync<ObjectDisposedException>(() => PublishAsync(ended, new PublishRequest(Text("m"), queue)));
        await Should.ThrowAsync<ObjectDisposedException>(() => ConsumeAsync(ended, queue));
        await Should.ThrowAsync<ObjectDisposedException>(() => ended.Inspector.FindQueueAsync(queue, Cancel).Within());
    }

    [Fact]
    public async Task A_broker_may_be_disposed_twice()
    {
        var broker = await OtherAsync();
        NeedsASharedStore();

        await broker.DisposeAsync().Within();
        await _fixture.CloseAsync(broker);
    }
}
