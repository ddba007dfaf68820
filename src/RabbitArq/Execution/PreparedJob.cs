using RabbitArq.Brokers;
using RabbitArq.Jobs;
using RabbitArq.Messages;

namespace RabbitArq.Execution;

/// <summary>A delivery that was read: either a job that can be run, or one that already has its outcome.</summary>
/// <param name="Delivery">Where it came from.</param>
/// <param name="Envelope">The job; null when the message cannot be read.</param>
/// <param name="Definition">The method; null when there is none.</param>
/// <param name="Decided">The outcome, when the job need not be run at all.</param>
internal sealed record PreparedJob(Delivery Delivery, JobEnvelope? Envelope, JobDefinition? Definition, JobOutcome? Decided)
{
    /// <summary>The format it came in, and goes on in when it is published again.</summary>
    public IWireFormat? Format { get; init; }
}
