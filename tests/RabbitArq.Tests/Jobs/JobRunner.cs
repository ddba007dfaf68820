using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitArq.Jobs;
using RabbitArq.Messages;

namespace RabbitArq.Tests.Jobs;

/// <summary>Registers, binds and calls jobs without a worker.</summary>
internal sealed class JobRunner(JsonSerializerOptions? json = null, Action<IServiceCollection>? configure = null) : IDisposable
{
    private readonly JsonSerializerOptions _json = json ?? JobJson.Default;
    private readonly ServiceProvider _services = MakeServices(configure);

    public IReadOnlyList<string> Errors(Action<JobCollection> add)
    {
        var (jobs, errors) = (new JobCollection(), new List<string>());
        add(jobs);
        JobRegistry.Build(jobs, _services, _json, errors);
        return errors;
    }

    public JobRegistry Registry(Action<JobCollection> add)
    {
        var (jobs, errors) = (new JobCollection(), new List<string>());
        add(jobs);
        var registry = JobRegistry.Build(jobs, _services, _json, errors);
        return errors.Count == 0 ? registry : throw new InvalidSettingsException(errors);
    }

    /// <summary>Calls a synchronous job.</summary>
    public object? Call(Delegate job, object?[] args, Dictionary<string, object?>? named = null)
    {
        var call = CallAsync(job, JobArguments.From(args, named, _json));
        return call.IsCompleted ? call.GetAwaiter().GetResult() : throw new InvalidOperationException("The job is not synchronous.");
    }

    /// <summary>Calls a job with arguments as they are in a message.</summary>
    public Task<object?> CallAsync(Delegate job, string args = "[]", string kwargs = "{}") =>
        CallAsync(job, new JobArguments(System.Text.Encoding.UTF8.GetBytes(args), System.Text.Encoding.UTF8.GetBytes(kwargs)));

    public Task<object?> CallAsync(Delegate job, JobArguments arguments) => CallAsync(jobs => jobs.Add("job", job), "job", arguments);

    public async Task<object?> CallAsync(Action<JobCollection> add, string name, JobArguments? arguments = null)
    {
        var definition = Registry(add).Resolve(name);
        var envelope = new JobEnvelope
        {
            JobId = "id",
            Function = definition.Name,
            EnqueuedAt = DateTimeOffset.UnixEpoch,
            Arguments = arguments ?? JobArguments.None,
        };
        await using var context = new JobContext(envelope, new JobWorkerIdentity("w", "w-1"), _services, NullLogger.Instance)
        {
            Definition = definition,
            MaxAttempts = 1,
            StartedAt = DateTimeOffset.UnixEpoch,
            Timeout = TimeSpan.FromSeconds(1),
            QueueName = "q",
        };
        return await definition.InvokeAsync(context, definition.BindArguments(context));
    }

    public void Dispose() => _services.Dispose();

    private static ServiceProvider MakeServices(Action<IServiceCollection>? configure)
    {
        var services = new ServiceCollection();
        configure?.Invoke(services);
        return services.BuildServiceProvider(validateScopes: true);
    }
}
