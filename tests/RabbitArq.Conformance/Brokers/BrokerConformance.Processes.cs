using RabbitArq.Brokers;
using RabbitArq.Conformance.Processes;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Brokers;

/// <summary>A process that dies without a word.</summary>
public abstract partial class BrokerConformance
{
    [Fact]
    public async Task What_a_killed_process_held_comes_to_another()
    {
        var dying = await OtherProcessAsync();
        var queue = await DeclareAsync();
        await PublishInOrderAsync(queue, "a", "b", "c");
        var consumer = await ConsumeAsync(dying, queue, prefetch: 2);
        var held = await consumer.NextAsync(2);
        await AckAsync(held[0]);
        await consumer.NextAsync();

        await dying.KillAsync();

        held[1].IsLive.ShouldBeFalse();
        (await held[1].SettleAsync(Settlement.Ack, Cancel).Within()).ShouldBeTrue();
        await using var next = await ConsumeAsync(queue);
        var deliveries = await next.NextAsync(2);
        TextsOf(deliveries).ShouldBe(["b", "c"], ignoreOrder: true);
        deliveries.ShouldAllBe(delivery => delivery.Redelivered && delivery.DeliveryCount > 0);
        await Task.WhenAll(deliveries.Select(AckAsync));
        await NothingElseComesAsync(next, queue);
        await UntilConsumersAsync(queue, 1);
    }

    [Fact]
    public async Task A_process_killed_while_it_publishes_loses_nothing_confirmed_and_doubles_nothing()
    {
        var dying = await OtherProcessAsync();
        var queue = await DeclareAsync();
        var firstConfirmed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var publishing = Enumerable.Range(0, 500).Select(number => TriesAsync($"m{number}")).ToList();
        await firstConfirmed.Task.Within();

        await dying.KillAsync();
        var confirmed = (await Task.WhenAll(publishing).Within()).OfType<string>().ToList();

        confirmed.ShouldNotBeEmpty();
        var arrived = await TakeAllAsync(queue);
        confirmed.ShouldBeSubsetOf(arrived);
        arrived.Distinct().Count().ShouldBe(arrived.Count);

        async Task<string?> TriesAsync(string text)
        {
            try
            {
                await dying.Publisher.PublishAsync(new PublishRequest(Text(text), queue), Cancel);
                firstConfirmed.TrySetResult();
                return text;
            }
            catch (PublishUnconfirmedException)
            {
                return null;
            }
        }
    }

    [Fact]
    public async Task A_message_delayed_by_a_killed_process_still_comes()
    {
        var dying = await OtherProcessAsync();
        var queue = await DeclareAsync();
        await PublishAsync(dying, Delayed(queue, "m", Now.AddMilliseconds(500)));
        await dying.KillAsync();

        await using var consumer = await ConsumeAsync(queue);

        (await TakeAsync(consumer)).ShouldBe("m");
    }

    private async Task<BrokerProcess> OtherProcessAsync()
    {
        var process = await _fixture.StartProcessAsync();
        Assert.SkipWhen(process is null, "This broker is not shared between processes, or its fixture starts none.");
        return process!;
    }
}
