using Microsoft.Extensions.DependencyInjection;

namespace RabbitArq;

/// <summary>Enqueuing from within a job.</summary>
public static class ChildJobs
{
    /// <summary>Enqueues a child of the running job: it carries this job's id as parent and its root as root.</summary>
    /// <param name="context">The running job.</param>
    /// <param name="request">The child.</param>
    /// <returns>A handle with the child's id.</returns>
    public static Task<JobHandle> EnqueueAsync(this JobContext context, JobRequest request)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(request);
        var options = request.Options ?? new EnqueueOptions();
        var child = request with { Options = options with { ParentId = options.ParentId ?? context.JobId, RootId = context.RootId } };
        return context.Services.GetRequiredService<IJobClient>().EnqueueAsync(child, context.CancellationToken);
    }

    /// <summary>Enqueues a child of the running job by name.</summary>
    /// <param name="context">The running job.</param>
    /// <param name="function">The child's wire name.</param>
    /// <param name="args">Arguments in the order of the child's parameters.</param>
    /// <returns>A handle with the child's id.</returns>
    public static Task<JobHandle> EnqueueAsync(this JobContext context, string function, params object?[] args) =>
        context.EnqueueAsync(new JobRequest(function) { Args = args });
}
