using RabbitArq.Brokers;
using RabbitArq.Sqlite.Engine;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite;

/// <summary>Opens the embedded broker: <c>sqlite:jobs.db</c>, <c>sqlite:/var/lib/jobs.db</c>, <c>sqlite::memory:</c>.</summary>
/// <remarks>
/// <para>
/// Brokers that several processes open on one file work together as clients of one server do. <c>sqlite::memory:</c> is
/// one broker for everybody in the process, <c>sqlite::memory:NAME</c> another; each vanishes when the last who has it
/// open disposes of it.
/// </para>
/// <para>
/// A confirmed publish survives the death of the process. With <c>?synchronous=full</c> after the path it also survives
/// the loss of power at the moment of the confirm; without it, which is the default and much faster on slow disks, a loss
/// of power or a crash of the operating system can take back the last seconds, and never damages the file.
/// </para>
/// <para>The file must be on a local disk: network file systems neither share memory nor lock reliably.</para>
/// </remarks>
public sealed class SqliteBrokerFactory : IBrokerFactory
{
    /// <inheritdoc/>
    public IReadOnlyCollection<string> Schemes { get; } = ["sqlite"];

    /// <inheritdoc/>
    public async Task<IBroker> OpenAsync(BrokerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var store = await StoreRegistry.AcquireAsync(StoreLocation.Parse(options.Url), options, cancellationToken).ConfigureAwait(false);
        try
        {
            var session = await store.AskAsync(
                execute: asked => asked.Nodes.AddSession(asked.NodeId, options.ClientName),
                committed: id => store.Sessions[id] = options.ClientName,
                cancellationToken: cancellationToken).ConfigureAwait(false);
            return new SqliteBroker(store, session, options);
        }
        catch
        {
            await StoreRegistry.ReleaseAsync(store).ConfigureAwait(false);
            throw;
        }
    }
}
