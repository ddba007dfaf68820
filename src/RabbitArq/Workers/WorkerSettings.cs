using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RabbitArq.Execution;
using RabbitArq.Messages;
using RabbitArq.Retries;
using RabbitArq.Routing;

namespace RabbitArq;

/// <summary>
/// Everything that a worker is: its jobs, hooks, queues and limits. Derive from it and set things in the constructor for a
/// worker that <see cref="Worker.RunAsync"/> and the command line both run; or fill one in <c>AddRabbitArq</c>.
/// What code sets wins over command line, environment and file; every value is checked when the worker starts.
/// </summary>
public class WorkerSettings : TrackedSettings
{
    /// <summary>The queue of workers and clients that name none.</summary>
    public const string DefaultQueueName = JobQueue.DefaultName;

    /// <summary>The jobs that this worker can run.</summary>
    public JobCollection Functions { get; } = new();

    /// <summary>What is called at the turning points of the worker and its jobs.</summary>
    public WorkerHooks Hooks { get; } = new();

    /// <summary>What wraps every run, outermost first.</summary>
    public IList<IJobMiddleware> Middleware { get; } = [];

    /// <summary>Services for jobs of a stand-alone worker; in a host, the host's services are used.</summary>
    public IServiceCollection Services { get; } = new ServiceCollection();

    /// <summary>The broker.</summary>
    public ConnectionSettings Connection { get; } = new();

    /// <summary>Which failures are tried again.</summary>
    public FailureRules Failures { get; } = DefaultFailureRules.Create();

    /// <summary>How arguments and results become JSON. Default: <see cref="JobJson.Default"/>.</summary>
    public JsonSerializerOptions Json { get; set; } = JobJson.Default;

    /// <summary>The worker's name. Default: host name and process id. Keys: <c>ARQ_WORKER_NAME</c>, <c>worker.name</c>.</summary>
    public string? WorkerName { get; set => Assign(ref field, value); }

    /// <summary>The queue. Default: <c>arq:queue</c>. Keys: <c>ARQ_QUEUE_NAME</c>, <c>worker.queue_name</c>.</summary>
    public string QueueName { get; set => Assign(ref field, value); } = DefaultQueueName;

    /// <summary>Further queues, each with limits of its own. Default: none. Key: <c>worker.queues</c>.</summary>
    public IList<WorkerQueue> Queues { get; } = [];

    /// <summary>The dead-letter queue of <see cref="QueueName"/>. Default: the queue's name and <c>.dlq</c>. Key: <c>worker.dlq_name</c>.</summary>
    public string? DeadLetterQueueName { get; set => Assign(ref field, value); }

    /// <summary>How RabbitMQ keeps queues that the worker declares. Default: quorum. Key: <c>worker.queue_type</c>.</summary>
    public QueueType QueueType { get; set => Assign(ref field, value); } = QueueType.Quorum;

    /// <summary>Whether queues outlive a broker restart. Default: true. Classic queues only. Key: <c>worker.queue_durable</c>.</summary>
    public bool QueueDurable { get; set => Assign(ref field, value); } = true;

    /// <summary>Whether queues belong to this connection alone. Default: false. Classic queues only. Key: <c>worker.queue_exclusive</c>.</summary>
    public bool QueueExclusive { get; set => Assign(ref field, value); }

    /// <summary>Whether queues go with their last consumer. Default: false. Classic queues only. Key: <c>worker.queue_auto_delete</c>.</summary>
    public bool QueueAutoDelete { get; set => Assign(ref field, value); }

    /// <summary>The highest priority of classic queues, 1 to 255; 0: none. Default: 0. Key: <c>worker.queue_max_priority</c>.</summary>
    public int QueueMaxPriority { get; set => Assign(ref field, value); }

    /// <summary>How often a failed job is run again. Default: 3, so 4 attempts. Keys: <c>ARQ_MAX_RETRIES</c>, <c>worker.max_retries</c>.</summary>
    public int MaxRetries { get; set => Assign(ref field, value); } = 3;

    /// <summary>The first wait of the exponential backoff. Default: 5 s. Keys: <c>ARQ_RETRY_BACKOFF</c>, <c>worker.retry_backoff</c>.</summary>
    public TimeSpan RetryBackoff { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(5);

    /// <summary>Another backoff than the exponential one over <see cref="RetryBackoff"/>. Default: null.</summary>
    public Backoff? Backoff { get; set => Assign(ref field, value); }

    /// <summary>Whether failures that no rule of <see cref="Failures"/> knows are tried again. Default: false. Key: <c>worker.retry_unknown_errors</c>.</summary>
    public bool RetryUnknownErrors { get; set => Assign(ref field, value); }

    /// <summary>How long one attempt may run. Default: 300 s. Keys: <c>ARQ_JOB_TIMEOUT</c>, <c>worker.job_timeout</c>.</summary>
    public TimeSpan JobTimeout { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(300);

    /// <summary>How long a body may go on after its token was cancelled before it is abandoned as stuck. Default: 5 s. Key: <c>worker.stuck_grace</c>.</summary>
    public TimeSpan StuckGrace { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(5);

    /// <summary>How many jobs run at a time, over all queues. Default: 10. Keys: <c>ARQ_MAX_CONCURRENT_JOBS</c>, <c>worker.max_concurrent_jobs</c>.</summary>
    public int MaxConcurrentJobs { get; set => Assign(ref field, value); } = 10;

    /// <summary>How many jobs of each queue are fetched ahead, 1 to 2000; never fewer than the queue's concurrency. Default: 100. Keys: <c>RABBITMQ_PREFETCH_COUNT</c>, <c>rabbitmq.prefetch_count</c>.</summary>
    public int PrefetchCount { get; set => Assign(ref field, value); } = 100;

    /// <summary>How long running jobs go on undisturbed at shutdown before they are cancelled. Default: 10 s. Key: <c>worker.job_completion_wait</c>.</summary>
    public TimeSpan JobCompletionWait { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(10);

    /// <summary>How long a shutdown takes at most; what does not finish is handed back. Default: 30 s. Key: <c>worker.graceful_shutdown_timeout</c>.</summary>
    public TimeSpan GracefulShutdownTimeout { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a stand-alone worker ends at SIGTERM and SIGINT. Default: true. Key: <c>worker.handle_signals</c>.</summary>
    public bool HandleSignals { get; set => Assign(ref field, value); } = true;

    /// <summary>Whether the worker ends when its queues are empty. Default: false. Keys: <c>ARQ_BURST_MODE</c>, <c>worker.burst_mode</c>.</summary>
    public bool BurstMode { get; set => Assign(ref field, value); }

    /// <summary>How long a burst may take. Default: 300 s. Keys: <c>ARQ_BURST_TIMEOUT</c>, <c>worker.burst_timeout</c>.</summary>
    public TimeSpan BurstTimeout { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(300);

    /// <summary>How often a burst looks whether the queues are empty. Default: 1 s. Key: <c>worker.burst_check_interval</c>.</summary>
    public TimeSpan BurstCheckInterval { get; set => Assign(ref field, value); } = TimeSpan.FromSeconds(1);

    /// <summary>Whether a burst waits for running jobs before it ends. Default: true. Key: <c>worker.burst_wait_for_tasks</c>.</summary>
    public bool BurstWaitForTasks { get; set => Assign(ref field, value); } = true;

    /// <summary>Whether a burst ends as soon as the queues are empty, rather than at its timeout. Default: true. Key: <c>worker.burst_exit_on_empty</c>.</summary>
    public bool BurstExitOnEmpty { get; set => Assign(ref field, value); } = true;

    /// <summary>Whether delayed jobs and retries that fall due within the burst count as work left. Default: false. Key: <c>worker.burst_count_delayed</c>.</summary>
    public bool BurstCountDelayed { get; set => Assign(ref field, value); }

    /// <summary>Whether results are stored. Default: true where <see cref="ResultStoreUrl"/> is set. Keys: <c>ARQ_ENABLE_RESULT_STORAGE</c>, <c>worker.result_storage.enabled</c>.</summary>
    public bool EnableResultStorage { get; set => Assign(ref field, value); } = true;

    /// <summary>The result store's URL; null: the embedded broker's own file, or none with RabbitMQ. Keys: <c>ARQ_RESULT_STORE_URL</c>, <c>worker.result_storage.store_url</c>.</summary>
    public string? ResultStoreUrl { get; set => Assign(ref field, value); }

    /// <summary>How long results are kept. Default: 24 h. Keys: <c>ARQ_RESULT_STORE_TTL</c>, <c>worker.result_storage.ttl</c>.</summary>
    public TimeSpan ResultTtl { get; set => Assign(ref field, value); } = TimeSpan.FromHours(24);

    /// <summary>The least severe log level that is written by a stand-alone worker. Default: Information. Keys: <c>ARQ_LOG_LEVEL</c>, <c>logging.level</c>.</summary>
    public LogLevel LogLevel { get; set => Assign(ref field, value); } = LogLevel.Information;

    /// <summary>How a stand-alone worker writes its log: <c>text</c> or <c>json</c>. Default: <c>text</c>. Key: <c>logging.format</c>.</summary>
    public string LogFormat { get; set => Assign(ref field, value); } = "text";

    /// <summary>The command line's rolling log file; null: none. Key: <c>logging.file</c>.</summary>
    public string? LogFile { get; set => Assign(ref field, value); }
}

/// <summary>One more queue of a worker.</summary>
/// <param name="Name">The queue.</param>
public sealed record WorkerQueue(string Name)
{
    /// <summary>How many of its jobs run at a time; null: the worker's limit.</summary>
    public int? MaxConcurrentJobs { get; init; }

    /// <summary>How many of its jobs are fetched ahead; null: the worker's setting.</summary>
    public int? PrefetchCount { get; init; }

    /// <summary>Its dead-letter queue; null: its name and <c>.dlq</c>.</summary>
    public string? DeadLetterQueueName { get; init; }
}
