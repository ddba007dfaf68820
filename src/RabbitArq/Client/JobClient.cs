using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitArq.Brokers;
using RabbitArq.Localization;
using RabbitArq.Messages;
using RabbitArq.Messages.Formats;
using RabbitArq.Results;
using RabbitArq.Routing;

namespace RabbitArq;

/// <summary>The client. In a host, take <see cref="IJobClient"/> from the services; elsewhere, <see cref="ConnectAsync"/>.</summary>
public sealed class JobClient : IJobClient, IAsyncDisposable
{
    private readonly BrokerSource _brokers;
    private readonly bool _ownsBroker;
    private readonly ConcurrentDictionary<string, Task> _declared = new(StringComparer.Ordinal);
    private readonly ArqJsonFormat _format = new();
    private readonly ArqJsonFormat _pythonFormat = new(naiveLocalTimes: true);

    internal JobClient(ClientSettings settings, BrokerSource brokers, ResultStoreSource results, TimeProvider time, bool ownsBroker)
    {
        Settings = settings;
        Results = results;
        TimeProvider = time;
        _brokers = brokers;
        _ownsBroker = ownsBroker;
    }

    internal ClientSettings Settings { get; }

    internal ResultStoreSource Results { get; }

    internal TimeProvider TimeProvider { get; }

    /// <summary>Connects to a broker.</summary>
    /// <param name="url">The broker's URL, for example <c>amqp://user:password@host/</c> or <c>sqlite:jobs.db</c>.</param>
    /// <param name="configure">Sets queue, expiry and more.</param>
    /// <param name="loggerFactory">Where it logs. Default: nowhere.</param>
    /// <param name="timeProvider">The clock. Default: the system's.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The client, connected. Dispose it at the end.</returns>
    /// <exception cref="BrokerException">The broker could not be reached, or refused; the type and message say why and what to do.</exception>
    public static async Task<JobClient> ConnectAsync(
        string url,
        Action<ClientSettings>? configure = null,
        ILoggerFactory? loggerFactory = null,
        TimeProvider? timeProvider = null,
        CancellationToken cancellationToken = default)
    {
        var settings = new ClientSettings { Connection = { Url = url } };
        configure?.Invoke(settings);
        var time = timeProvider ?? TimeProvider.System;
        var brokers = new BrokerSource(settings.Connection, [], "rabbitarq client", loggerFactory ?? NullLoggerFactory.Instance, time);
        var client = new JobClient(settings, brokers, new ResultStoreSource(() => StoreUrl(settings), [], time), time, ownsBroker: true);
        try
        {
            await brokers.GetAsync(cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<JobHandle> EnqueueAsync(JobRequest request, CancellationToken cancellationToken = default)
    {
        var (publish, jobId, queueName) = Encode(request);
        var broker = await _brokers.GetAsync(cancellationToken).ConfigureAwait(false);
        await DeclareAsync(broker, queueName, cancellationToken).ConfigureAwait(false);
        await PublishAsync(broker, publish, cancellationToken).ConfigureAwait(false);
        return new JobHandle(this, jobId);
    }

    /// <inheritdoc/>
    public async Task<EnqueueReport> EnqueueManyAsync(IEnumerable<JobRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var broker = await _brokers.GetAsync(cancellationToken).ConfigureAwait(false);
        var started = new List<(JobRequest Request, string JobId, Task Publish)>();

        // A queue that cannot be declared may take a whole time-out to say so: once for all of its jobs, not once for each.
        var refused = new Dictionary<string, Exception>(StringComparer.Ordinal);
        foreach (var request in requests)
        {
            var jobId = "";
            Task publish;
            try
            {
                (var message, jobId, var queueName) = Encode(request);
                publish = await WhyNotDeclaredAsync(broker, queueName, refused, cancellationToken).ConfigureAwait(false) is { } refusal
                    ? Task.FromException(refusal)
                    : PublishAsync(broker, message, cancellationToken);
            }
#pragma warning disable CA1031 // The report says which failed and why; one job must not hide the others.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                publish = Task.FromException(exception);
            }

            started.Add((request, jobId, publish));
        }

        var items = new EnqueueItem[started.Count];
        for (var i = 0; i < items.Length; i++)
        {
            var (request, jobId, publish) = started[i];
            await publish.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var error = publish.IsCompletedSuccessfully
                ? null
                : publish.Exception?.InnerException ?? new OperationCanceledException(cancellationToken);
            items[i] = new EnqueueItem(request, error is null ? new JobHandle(this, jobId) : null, error);
        }

        return new EnqueueReport(items);
    }

    /// <inheritdoc/>
    public JobHandle GetHandle(string jobId)
    {
        ArgumentException.ThrowIfNullOrEmpty(jobId);
        return new JobHandle(this, jobId);
    }

    /// <summary>Closes the connection, when the client opened it itself.</summary>
    /// <returns>A task that ends when it is closed.</returns>
    public async ValueTask DisposeAsync()
    {
        if (_ownsBroker)
        {
            await Results.DisposeAsync().ConfigureAwait(false);
            await _brokers.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The embedded broker keeps results in its own file unless told otherwise; with RabbitMQ a store must be named.</summary>
    internal static string? StoreUrl(ClientSettings settings) =>
        settings.ResultStoreUrl ?? (BrokerUrl.SchemeOf(settings.Connection.Url) == "sqlite" ? settings.Connection.Url : null);

    internal (PublishRequest Publish, string JobId, string QueueName) Encode(JobRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentException.ThrowIfNullOrWhiteSpace(request.Function, nameof(request));
        var options = request.Options ?? new EnqueueOptions();
        var now = TimeProvider.GetUtcNow();
        var queueName = options.QueueName ?? Settings.QueueName;
        var dueAt = DueAt(options, now);
        var jobId = options.JobId ?? JobEnvelope.NewJobId(now);
        var envelope = new JobEnvelope
        {
            JobId = jobId,
            Function = request.Function,
            Arguments = JobArguments.From(request.Args, request.NamedArgs, Settings.Json),
            Attempt = options.Attempt ?? 1,
            EnqueuedAt = now,
            QueueName = queueName,
            DueAt = dueAt,
            ExpiresAt = ExpiresAt(options.Expires ?? Settings.Expires, dueAt > now ? dueAt.Value : now),
            ParentId = options.ParentId,
            RootId = options.RootId ?? options.ParentId,
            MaxRetries = options.MaxRetries,
            Timeout = options.Timeout,
            StoreResult = options.StoreResult,
            Priority = options.Priority,
            Headers = options.Headers ?? BrokerMessage.NoHeaders,
        };
        Check(options);
        var format = Settings.PythonQueues.Contains(queueName) ? _pythonFormat : _format;
        return (new PublishRequest(format.Encode(envelope), queueName) { DueAt = dueAt }, jobId, queueName);
    }

    private static DateTimeOffset? DueAt(EnqueueOptions options, DateTimeOffset now)
    {
        if (options is { DeferBy: not null, DeferUntil: not null })
        {
            throw new ArgumentException(Texts.DeferTwice());
        }

        return options.DeferUntil?.ToUniversalTime() ?? (options.DeferBy is { } wait && wait > TimeSpan.Zero ? now + wait : null);
    }

    private static DateTimeOffset? ExpiresAt(TimeSpan expires, DateTimeOffset from) =>
        expires == Timeout.InfiniteTimeSpan || expires > DateTimeOffset.MaxValue - from ? null : from + expires;

    private static void Check(EnqueueOptions options)
    {
        if (options.JobId is "")
        {
            throw new ArgumentException(Texts.OptionOutOfRange(nameof(EnqueueOptions.JobId), "\"\"", "null, or a text"));
        }

        if (options.Attempt is < 1)
        {
            throw new ArgumentException(Texts.OptionOutOfRange(nameof(EnqueueOptions.Attempt), options.Attempt, ">= 1"));
        }

        if (options.MaxRetries is < 0)
        {
            throw new ArgumentException(Texts.OptionOutOfRange(nameof(EnqueueOptions.MaxRetries), options.MaxRetries, ">= 0"));
        }

        if (options.Timeout is { } timeout && timeout <= TimeSpan.Zero)
        {
            throw new ArgumentException(Texts.OptionOutOfRange(nameof(EnqueueOptions.Timeout), timeout, "> 0"));
        }

        if (options.Expires is { } expires && expires <= TimeSpan.Zero && expires != Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentException(Texts.OptionOutOfRange(nameof(EnqueueOptions.Expires), expires, "> 0, Timeout.InfiniteTimeSpan"));
        }
    }

    private async Task PublishAsync(IBroker broker, PublishRequest publish, CancellationToken cancellationToken)
    {
        try
        {
            await broker.Publisher.PublishAsync(publish, cancellationToken).ConfigureAwait(false);
        }
        catch (UnroutableException)
        {
            // A queue that was deleted behind our back is declared again by the next enqueue; this one tells the truth.
            _declared.TryRemove(publish.RoutingKey, out _);
            throw;
        }
    }

    private Task DeclareAsync(IBroker broker, string queueName, CancellationToken cancellationToken)
    {
        if (!Settings.DeclareQueues)
        {
            return Task.CompletedTask;
        }

        var declared = _declared.GetOrAdd(queueName, static (name, arg) => arg.Client.DeclareOnceAsync(arg.Broker, name), (Client: this, Broker: broker));
        return declared.IsCompletedSuccessfully ? declared : declared.WaitAsync(cancellationToken);
    }

    private async ValueTask<Exception?> WhyNotDeclaredAsync(
        IBroker broker, string queueName, Dictionary<string, Exception> refused, CancellationToken cancellationToken)
    {
        if (refused.TryGetValue(queueName, out var known))
        {
            return known;
        }

        try
        {
            await DeclareAsync(broker, queueName, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (BrokerException exception)
        {
            return refused[queueName] = exception;
        }
    }

    private async Task DeclareOnceAsync(IBroker broker, string queueName)
    {
        try
        {
            var queue = new JobQueue(queueName)
            {
                Type = Settings.QueueType,
                MaxPriority = Settings.QueueMaxPriority > 0 ? Settings.QueueMaxPriority : null,
            };
            await broker.Topology.ApplyAsync(queue.ToPlan(), CancellationToken.None).ConfigureAwait(false);
        }
        catch
        {
            _declared.TryRemove(queueName, out _);
            throw;
        }
    }
}
