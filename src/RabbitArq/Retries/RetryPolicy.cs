namespace RabbitArq.Retries;

/// <summary>What follows from a failed attempt.</summary>
/// <param name="RetryAt">When to run it again; null: dead-letter it.</param>
/// <param name="Error">The failure to report; for the last attempt a <see cref="MaxRetriesExceededException"/> around it.</param>
/// <param name="Category">What the failure is.</param>
internal readonly record struct RetryDecision(DateTimeOffset? RetryAt, Exception Error, FailureCategory Category);

/// <summary>Decides what follows from a failed attempt. A pure function but for the random jitter.</summary>
internal interface IRetryPolicy
{
    /// <summary>Decides.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="attempt">The attempt that failed, from 1.</param>
    /// <param name="maxRetries">How many retries the job has.</param>
    /// <param name="jobRules">The job's own rules; null: none.</param>
    /// <param name="jobBackoff">The job's own backoff; null: none.</param>
    /// <param name="now">The present.</param>
    /// <returns>When to try again, or that the job is dead.</returns>
    RetryDecision Decide(Exception failure, int attempt, int maxRetries, FailureRules? jobRules, Backoff? jobBackoff, DateTimeOffset now);
}

/// <summary>The rules of <see cref="FailureRules"/> and <see cref="Backoff"/>: the job's own first, then the worker's.</summary>
/// <param name="rules">The worker's rules.</param>
/// <param name="backoff">The worker's backoff.</param>
/// <param name="retryUnknownErrors">Whether failures that no rule knows are tried again.</param>
/// <param name="random">Where jitter comes from.</param>
internal sealed class RetryPolicy(FailureRules rules, Backoff backoff, bool retryUnknownErrors, Random random) : IRetryPolicy
{
    public RetryDecision Decide(Exception failure, int attempt, int maxRetries, FailureRules? jobRules, Backoff? jobBackoff, DateTimeOffset now)
    {
        var category = jobRules?.Classify(failure) ?? FailureCategory.Unknown;
        if (category == FailureCategory.Unknown)
        {
            category = rules.Classify(failure);
        }

        var worthATry = category == FailureCategory.Retriable || (category == FailureCategory.Unknown && retryUnknownErrors);
        if (!worthATry)
        {
            return new RetryDecision(null, failure, category);
        }

        if (attempt > maxRetries)
        {
            return new RetryDecision(null, new MaxRetriesExceededException(attempt, failure), category);
        }

        TimeSpan wait;
        if (failure is RetryException { Defer: { } defer })
        {
            wait = defer < TimeSpan.Zero ? TimeSpan.Zero : defer;
        }
        else
        {
            lock (random)
            {
                wait = (jobBackoff ?? backoff).DelayAfter(attempt, random);
            }
        }

        return new RetryDecision(wait > DateTimeOffset.MaxValue - now ? DateTimeOffset.MaxValue : now + wait, failure, category);
    }
}
