namespace RabbitArq;

/// <summary>The rest of the pipeline: the next middleware, at last the job itself. Returns the job's result.</summary>
/// <param name="context">The run.</param>
/// <returns>The result; null when the job returns none.</returns>
public delegate ValueTask<object?> JobDelegate(JobContext context);

/// <summary>Wraps every run of a job, outermost first in the order of adding. What it throws is the job's failure.</summary>
public interface IJobMiddleware
{
    /// <summary>Runs around the job.</summary>
    /// <param name="context">The run.</param>
    /// <param name="next">The rest; call it once, or not at all to answer in the job's place.</param>
    /// <returns>The result.</returns>
    ValueTask<object?> InvokeAsync(JobContext context, JobDelegate next);
}
