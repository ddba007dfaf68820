using System.Diagnostics.CodeAnalysis;
using RabbitArq.Brokers;
using RabbitArq.Localization;

namespace RabbitArq.Results;

/// <summary>Finds the result store for a URL, as <see cref="BrokerFactories"/> finds the broker.</summary>
internal static class ResultStoreFactories
{
    private const string SqlitePackage = "RabbitArq.Sqlite";

    public static Task<IResultStore> OpenAsync(
        string url, IEnumerable<IResultStoreFactory> registered, TimeProvider time, CancellationToken cancellationToken)
    {
        var scheme = BrokerUrl.SchemeOf(url);
        var factory = registered.FirstOrDefault(f => f.Schemes.Contains(scheme)) ?? scheme switch
        {
            "sqlite" => Make(Type.GetType("RabbitArq.Sqlite.Results.SqliteResultStoreFactory, RabbitArq.Sqlite"), scheme, SqlitePackage),
            _ => throw new BrokerUrlException(Texts.ResultStoreSchemeUnknown(scheme, BrokerUrl.Mask(url), "sqlite")),
        };
        return factory.OpenAsync(url, time, cancellationToken);
    }

    private static IResultStoreFactory Make(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] Type? type, string scheme, string package) =>
        type is not null && Activator.CreateInstance(type) is IResultStoreFactory factory
            ? factory
            : throw new BrokerUrlException(Texts.BrokerPackageMissing(scheme, package));
}

/// <summary>The result store of an application, opened at first use; none when results are off.</summary>
/// <param name="url">The store's URL; null: none.</param>
/// <param name="factories">The application's own stores.</param>
/// <param name="time">The clock.</param>
internal sealed class ResultStoreSource(Func<string?> url, IEnumerable<IResultStoreFactory> factories, TimeProvider time) : IAsyncDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private IResultStore? _store;

    public bool IsConfigured => url() is not null;

    public async ValueTask<IResultStore?> GetAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _store) is { } open || url() is not { } storeUrl)
        {
            return _store;
        }

        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_store is null)
            {
                Volatile.Write(ref _store, await ResultStoreFactories.OpenAsync(storeUrl, factories, time, cancellationToken).ConfigureAwait(false));
            }

            return _store;
        }
        finally
        {
            _opening.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _store, null) is { } store)
        {
            await store.DisposeAsync().ConfigureAwait(false);
        }
    }
}
