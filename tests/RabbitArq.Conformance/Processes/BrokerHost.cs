using System.Collections.Concurrent;
using System.Text;
using RabbitArq.Brokers;

namespace RabbitArq.Conformance.Processes;

/// <summary>
/// The other process: opens a broker and does what the calls on its standard input say, until that ends. Started by
/// <see cref="BrokerProcess"/> with the type of the broker factory and the URL.
/// </summary>
internal sealed class BrokerHost(IBroker broker, TextWriter output)
{
    private readonly ConcurrentDictionary<long, IBrokerConsumer> _consumers = new();
    private readonly ConcurrentDictionary<long, Delivery> _deliveries = new();
    private readonly Lock _writing = new();
    private long _lastDelivery;

    public static async Task<int> Main(string[] arguments)
    {
        if (arguments is [Workers.WorkerHost.Verb, .. var rest])
        {
            return await Workers.WorkerHost.RunAsync(rest);
        }

        if (arguments is not [var factoryType, var url])
        {
            await Console.Error.WriteLineAsync("Usage: RabbitArq.Conformance FACTORY-TYPE URL, or worker URL QUEUE …. Started by the tests.");
            return 2;
        }

        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        using var input = new StreamReader(Console.OpenStandardInput(), utf8);
        await using var output = new StreamWriter(Console.OpenStandardOutput(), utf8) { AutoFlush = true };

        // What a library writes to the console must not get into the answers.
        Console.SetOut(Console.Error);
        try
        {
            var factory = (IBrokerFactory)Activator.CreateInstance(Type.GetType(factoryType, throwOnError: true)!, nonPublic: true)!;
            await using var broker = await factory.OpenAsync(new BrokerOptions { Url = url, ClientName = "conformance-process" });
            await new BrokerHost(broker, output).RunAsync(input);
            return 0;
        }
        catch (RabbitArqException failure)
        {
            await output.WriteLineAsync(ProcessWire.Write(new Answer(AnswerKind.Opened) { Failure = Failure.Of(failure) }));
            return 1;
        }
    }

    private async Task RunAsync(TextReader input)
    {
        Say(new Answer(AnswerKind.Opened) { Capabilities = broker.Capabilities });
        while (await input.ReadLineAsync() is { } line)
        {
            var call = ProcessWire.Read<Call>(line);
            _ = Task.Run(() => AnswerAsync(call));
        }
    }

    private async Task AnswerAsync(Call call)
    {
        try
        {
            Say(await DoAsync(call) with { Id = call.Id });
        }
        catch (Exception failure)
        {
            // Whatever it was, the test that asked is the one to judge it.
            Say(new Answer(AnswerKind.Done) { Id = call.Id, Failure = Failure.Of(failure) });
        }
    }

    private async Task<Answer> DoAsync(Call call)
    {
        var done = new Answer(AnswerKind.Done);
        switch (call.Verb)
        {
            case Verb.Publish:
                await broker.Publisher.PublishAsync(call.Request!);
                return done;
            case Verb.Apply:
                await broker.Topology.ApplyAsync(call.Plan!);
                return done;
            case Verb.DeleteQueue:
                await broker.Topology.DeleteQueueAsync(call.Name!);
                return done;
            case Verb.DeleteExchange:
                await broker.Topology.DeleteExchangeAsync(call.Name!);
                return done;
            case Verb.Describe:
                return done with { Broker = await broker.Inspector.GetBrokerAsync() };
            case Verb.Find:
                return done with { Queue = await broker.Inspector.FindQueueAsync(call.Name!) };
            case Verb.Purge:
                return done with { Number = await broker.Inspector.PurgeAsync(call.Name!) };
            case Verb.Consume:
                var consumer = await broker.ConsumeAsync(call.Spec!);
                _consumers[call.Consumer] = consumer;
                _ = Task.Run(() => ForwardAsync(call.Consumer, consumer));
                return done;
            case Verb.Settle:
                return done with
                {
                    Number = _deliveries.TryRemove(call.Delivery, out var delivery) && await delivery.SettleAsync(call.Settlement) ? 1 : 0,
                };
            case Verb.Cancel:
                await _consumers[call.Consumer].CancelAsync();
                return done;
            case Verb.EndConsumer:
                await _consumers[call.Consumer].DisposeAsync();
                return done;
            default:
                throw new InvalidOperationException($"Not known: {call.Verb}");
        }
    }

    private async Task ForwardAsync(long id, IBrokerConsumer consumer)
    {
        Failure? end = null;
        try
        {
            await foreach (var delivery in consumer.Deliveries.ReadAllAsync())
            {
                var number = Interlocked.Increment(ref _lastDelivery);
                _deliveries[number] = delivery;
                Say(new Answer(AnswerKind.Delivered)
                {
                    Id = id,
                    Parcel = new Parcel(
                        number, delivery.Message, delivery.QueueName, delivery.Exchange, delivery.RoutingKey, delivery.Redelivered, delivery.DeliveryCount),
                });
            }
        }
        catch (Exception failure)
        {
            // The consumer ended with it, and so must the one in the test.
            end = Failure.Of(failure);
        }

        Say(new Answer(AnswerKind.ConsumerEnded) { Id = id, Failure = end });
    }

    private void Say(Answer answer)
    {
        var line = ProcessWire.Write(answer);
        lock (_writing)
        {
            output.WriteLine(line);
        }
    }
}
