using RabbitArq.Brokers;
using RabbitArq.Sqlite.Localization;
using SQLitePCL;

namespace RabbitArq.Sqlite.Storage;

/// <summary>Puts what SQLite or the file system answered into words that say what to do.</summary>
internal static class StoreErrors
{
    public static BrokerException ToBroker(Exception failure, string where) => failure switch
    {
        BrokerException known => known,
        SqliteFailureException sqlite => FromSqlite(sqlite, where),
        UnauthorizedAccessException => new BrokerAccessException(Texts.AccessDenied(where), failure),
        NotSupportedException => new BrokerException(Texts.LocksUnsupported(where), failure),
        _ => new BrokerException(Texts.InputOutputFailed(where, failure.Message), failure),
    };

    /// <summary>The failure of a publish whose transaction did not commit.</summary>
    public static PublishException ToPublish(Exception failure, PublishRequest request, string where)
    {
        var broker = ToBroker(failure, where);
        return (failure as SqliteFailureException)?.PrimaryCode switch
        {
            raw.SQLITE_FULL or raw.SQLITE_BUSY or raw.SQLITE_LOCKED =>
                new BrokerBlockedException(request, broker.Message, mayHaveArrived: false, failure),

            // The disk failed somewhere in the commit: only a later look can tell.
            raw.SQLITE_IOERR => new PublishUnconfirmedException(request, broker.Message, failure),
            _ => new PublishRefusedException(request, broker.Message, failure),
        };
    }

    private static BrokerException FromSqlite(SqliteFailureException failure, string where) => failure.PrimaryCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new BrokerUnreachableException(Texts.FileLocked(where), failure),
        raw.SQLITE_FULL => new BrokerException(Texts.DiskFull(where), failure),
        raw.SQLITE_READONLY => new BrokerAccessException(Texts.FileReadOnly(where), failure),
        raw.SQLITE_PERM or raw.SQLITE_AUTH => new BrokerAccessException(Texts.AccessDenied(where), failure),
        raw.SQLITE_CANTOPEN => new BrokerUnreachableException(Texts.CannotOpen(where), failure),
        raw.SQLITE_NOTADB => new BrokerException(Texts.NotADatabase(where), failure),
        raw.SQLITE_CORRUPT => new BrokerException(Texts.FileDamaged(where), failure),
        _ => new BrokerException(Texts.InputOutputFailed(where, failure.Message), failure),
    };
}
