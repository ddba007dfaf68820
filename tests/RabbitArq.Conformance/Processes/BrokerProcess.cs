using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Text;
using RabbitArq.Brokers;
using RabbitArq.Routing;

namespace RabbitArq.Conformance.Processes;

/// <summary>
/// A broker in another process, as if it were here: for implementations whose two ends are two processes on one store.
/// The process runs this assembly with the libraries of the test project, and ends when this ends, however that happens.
/// </summary>
/// <remarks>
/// Deliveries come over as soon as the other process has them, so "not yet read" is decided here: cancelling sends
/// back one by one what was not read here.
/// </remarks>
public sealed class BrokerProcess : IBroker, IBrokerPublisher, IBrokerTopology, IBrokerInspector
{
    private static readonly TimeSpan ExitDeadline = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly StreamWriter _input;
    private readonly ConcurrentDictionary<long, (TaskCompletionSource<Answer> Answer, PublishRequest? Request)> _calls = new();
    private readonly ConcurrentDictionary<long, ProcessConsumer> _consumers = new();
    private readonly TaskCompletionSource<Answer> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Task _listening;
    private BrokerCapabilities? _capabilities;
    private long _lastId;
    private int _ended;

    private BrokerProcess(Process process)
    {
        _process = process;
        _input = process.StandardInput;
        _listening = Task.Run(ListenAsync);
    }

    /// <inheritdoc/>
    public BrokerCapabilities Capabilities => _capabilities ?? throw new InvalidOperationException("Not open yet.");

    /// <inheritdoc/>
    public IBrokerPublisher Publisher => this;

    /// <inheritdoc/>
    public IBrokerTopology Topology => this;

    /// <inheritdoc/>
    public IBrokerInspector Inspector => this;

    internal bool IsRunning => Volatile.Read(ref _ended) == 0 && !_listening.IsCompleted;

    /// <summary>Starts a process that opens a broker.</summary>
    /// <typeparam name="TFactory">The broker's factory; it has a constructor without parameters.</typeparam>
    /// <param name="url">The broker's URL.</param>
    /// <returns>The broker.</returns>
    public static async Task<BrokerProcess> StartAsync<TFactory>(string url)
        where TFactory : IBrokerFactory
    {
        var self = typeof(BrokerProcess).Assembly.Location;
        var tests = Path.Combine(AppContext.BaseDirectory, Assembly.GetEntryAssembly()!.GetName().Name!);
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
            ArgumentList =
            {
                "exec", "--runtimeconfig", tests + ".runtimeconfig.json", "--depsfile", tests + ".deps.json", self,
                typeof(TFactory).AssemblyQualifiedName!, url,
            },
        };
        var broker = new BrokerProcess(Process.Start(start) ?? throw new InvalidOperationException("The process did not start."));
        var opened = await broker._opened.Task.WaitAsync(ExitDeadline);
        if (opened.Failure is { } failure)
        {
            await broker.DisposeAsync();
            throw failure.ToException(null);
        }

        broker._capabilities = opened.Capabilities;
        return broker;
    }

    /// <summary>Ends the process with no chance to clean up (SIGKILL).</summary>
    /// <returns>A task that ends when the process is gone.</returns>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(ExitDeadline);
        await _listening.WaitAsync(ExitDeadline);
    }

    /// <inheritdoc/>
    public async Task<IBrokerConsumer> ConsumeAsync(ConsumerSpec spec, CancellationToken cancellationToken = default)
    {
        // Known before the call: the first delivery may be here before the answer.
        var id = Interlocked.Increment(ref _lastId);
        var consumer = new ProcessConsumer(this, id);
        _consumers[id] = consumer;
        await CallAsync(new Call(0, Verb.Consume) { Spec = spec, Consumer = id }, cancellationToken);
        return consumer;
    }

    /// <inheritdoc/>
    public async ValueTask PublishAsync(PublishRequest request, CancellationToken cancellationToken = default) =>
        await CallAsync(new Call(0, Verb.Publish) { Request = request }, cancellationToken);

    /// <inheritdoc/>
    public Task ApplyAsync(TopologyPlan plan, CancellationToken cancellationToken = default) =>
        CallAsync(new Call(0, Verb.Apply) { Plan = plan }, cancellationToken);

    /// <inheritdoc/>
    public Task DeleteQueueAsync(string queueName, CancellationToken cancellationToken = default) =>
        CallAsync(new Call(0, Verb.DeleteQueue) { Name = queueName }, cancellationToken);

    /// <inheritdoc/>
    public Task DeleteExchangeAsync(string exchangeName, CancellationToken cancellationToken = default) =>
        CallAsync(new Call(0, Verb.DeleteExchange) { Name = exchangeName }, cancellationToken);

    /// <inheritdoc/>
    public async Task<BrokerInfo> GetBrokerAsync(CancellationToken cancellationToken = default) =>
        (await CallAsync(new Call(0, Verb.Describe), cancellationToken)).Broker!;

    /// <inheritdoc/>
    public async Task<QueueInfo?> FindQueueAsync(string queueName, CancellationToken cancellationToken = default) =>
        (await CallAsync(new Call(0, Verb.Find) { Name = queueName }, cancellationToken)).Queue;

    /// <inheritdoc/>
    public async Task<long> PurgeAsync(string queueName, CancellationToken cancellationToken = default) =>
        (await CallAsync(new Call(0, Verb.Purge) { Name = queueName }, cancellationToken)).Number;

    /// <summary>Ends the process: the broker there is disposed first.</summary>
    /// <returns>A task that ends when the process is gone.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        // A call that is being written is written first.
        var writing = await _writing.WaitAsync(ExitDeadline);
        try
        {
            // The end of its input tells it to end.
            _input.Close();
            await _process.WaitForExitAsync().WaitAsync(ExitDeadline);
            await _listening.WaitAsync(ExitDeadline);
        }
        catch (IOException) when (_process.HasExited)
        {
            await _listening.WaitAsync(ExitDeadline);
        }
        finally
        {
            if (!_process.HasExited)
            {
                _process.Kill();
            }

            _process.Dispose();

            if (writing)
            {
                // Calls that wait for their turn to write find the input closed.
                _writing.Release();
            }
        }
    }

    internal async Task<Answer> CallAsync(Call call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _ended) != 0, this);
        call = call with { Id = Interlocked.Increment(ref _lastId) };
        var answer = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls[call.Id] = (answer, call.Request);
        try
        {
            var line = ProcessWire.Write(call);
            await _writing.WaitAsync(cancellationToken);
            try
            {
                await _input.WriteLineAsync(line);
                await _input.FlushAsync(cancellationToken);
            }
            finally
            {
                _writing.Release();
            }
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            _calls.TryRemove(call.Id, out _);
            throw Gone(call.Request);
        }

        if (_listening.IsCompleted && _calls.TryRemove(call.Id, out _))
        {
            throw Gone(call.Request);
        }

        return await answer.Task.WaitAsync(cancellationToken);
    }

    private static Exception Gone(PublishRequest? request) => request is null
        ? new ObjectDisposedException(nameof(BrokerProcess))
        : new PublishUnconfirmedException(request, "The process ended before it answered.");

    private async Task ListenAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            var answer = ProcessWire.Read<Answer>(line);
            switch (answer.Kind)
            {
                case AnswerKind.Opened:
                    _opened.TrySetResult(answer);
                    break;
                case AnswerKind.Delivered:
                    _consumers[answer.Id].Arrived(answer.Parcel!);
                    break;
                case AnswerKind.ConsumerEnded:
                    _consumers[answer.Id].Ended(answer.Failure?.ToException(null));
                    break;
                default:
                    Finish(answer);
                    break;
            }
        }

        _opened.TrySetException(new InvalidOperationException("The process ended before it opened the broker; see its standard error."));
        foreach (var consumer in _consumers.Values)
        {
            consumer.Ended(null);
        }

        foreach (var id in _calls.Keys)
        {
            if (_calls.TryRemove(id, out var call))
            {
                call.Answer.TrySetException(Gone(call.Request));
            }
        }
    }

    private void Finish(Answer answer)
    {
        if (!_calls.TryRemove(answer.Id, out var call))
        {
            return;
        }

        if (answer.Failure is { } failure)
        {
            call.Answer.TrySetException(failure.ToException(call.Request));
        }
        else
        {
            call.Answer.TrySetResult(answer);
        }
    }
}
