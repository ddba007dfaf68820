using System.Text.Json;
using RabbitArq.Messages;
using RabbitArq.Routing;

namespace RabbitArq;

/// <summary>How a client enqueues.</summary>
public sealed class ClientSettings : TrackedSettings
{
    /// <summary>Settings with every default.</summary>
    public ClientSettings()
        : this(new ConnectionSettings())
    {
    }

    internal ClientSettings(ConnectionSettings connection) => Connection = connection;

    /// <summary>The broker.</summary>
    public ConnectionSettings Connection { get; }

    /// <summary>The queue of jobs that name none. Default: <c>arq:queue</c>. Keys: <c>ARQ_QUEUE_NAME</c>, <c>worker.queue_name</c>.</summary>
    public string QueueName { get; set => Assign(ref field, value); } = JobQueue.DefaultName;

    /// <summary>
    /// Whether the client declares a job's queue before its first use, so that jobs may be enqueued before any worker has
    /// started. Default: true. Off: enqueuing to a missing queue is an <see cref="Brokers.UnroutableException"/>.
    /// </summary>
    public bool DeclareQueues { get; set => Assign(ref field, value); } = true;

    /// <summary>How RabbitMQ keeps queues that the client declares. Default: quorum. Key: <c>worker.queue_type</c>.</summary>
    public QueueType QueueType { get; set => Assign(ref field, value); } = QueueType.Quorum;

    /// <summary>The highest priority of classic queues that the client declares, 1 to 255; 0: none. Default: 0. Key: <c>worker.queue_max_priority</c>.</summary>
    public int QueueMaxPriority { get; set => Assign(ref field, value); }

    /// <summary>How long after its due time a job may still be started. Default: 24 h. <see cref="Timeout.InfiniteTimeSpan"/>: for ever. Key: <c>worker.job_expires</c>.</summary>
    public TimeSpan Expires { get; set => Assign(ref field, value); } = TimeSpan.FromHours(24);

    /// <summary>The result store's URL; null: the embedded broker's own file, or none with RabbitMQ. Keys: <c>ARQ_RESULT_STORE_URL</c>, <c>worker.result_storage.store_url</c>.</summary>
    public string? ResultStoreUrl { get; set => Assign(ref field, value); }

    /// <summary>Queues that upstream's Python workers read: times are written as they expect them. Default: none.</summary>
    public ISet<string> PythonQueues { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>How arguments become JSON. Default: <see cref="JobJson.Default"/>.</summary>
    public JsonSerializerOptions Json { get; set; } = JobJson.Default;
}
