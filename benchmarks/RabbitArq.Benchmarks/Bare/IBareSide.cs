namespace RabbitArq.Benchmarks.Bare;

/// <summary>What RabbitArq is held against: the least that the same work takes on the same broker.</summary>
internal interface IBareSide : IAsyncDisposable
{
    /// <summary>The client, for people.</summary>
    string Name { get; }

    /// <summary>Sends the jobs' messages and waits for every confirm.</summary>
    Task<Sample> EnqueueAsync(CancellationToken deadline);

    /// <summary>Reads a full queue and settles each message.</summary>
    /// <param name="acksTogether">How many messages an acknowledgement covers.</param>
    /// <param name="deadline">Gives up.</param>
    Task<Sample> DrainAsync(int acksTogether, CancellationToken deadline);

    /// <summary>From a send to its arrival.</summary>
    Task<Sample> LatencyAsync(CancellationToken deadline);
}
