using RabbitArq.Brokers;
using RabbitArq.Sqlite.Localization;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>Opens a database for the store's thread, waiting for other processes no longer than allowed.</summary>
internal static class StoreOpening
{
    public static SqliteDatabase Open(EmbeddedStore store, StoreUpkeep upkeep, TimeSpan timeout, Func<bool> givenUp)
    {
        var deadline = store.Deadline(timeout);
        if (store.Location.Path is { } path)
        {
            CheckFolder(path);
        }

        while (true)
        {
            SqliteDatabase? database = null;
            try
            {
                database = new SqliteDatabase(store.Location.Path ?? ":memory:");
                Prepare(store, upkeep, database);
                return database;
            }
            catch (SqliteFailureException failure) when (failure.IsBusy && store.Clock.GetTimestamp() < deadline && !givenUp())
            {
                // Another process creates the tables, or holds the lock for a moment.
                database?.Dispose();
                StoreLoop.Pause.Wait(5);
            }
            catch (SqliteFailureException failure)
                when (failure.PrimaryCode == SQLitePCL.raw.SQLITE_CANTOPEN && store.Location.Path is { } file && !CanWriteBeside(file))
            {
                // SQLite says only that it could not open: mostly because it may not make its own files.
                database?.Dispose();
                throw new BrokerAccessException(Texts.FileReadOnly(file), failure);
            }
            catch
            {
                database?.Dispose();
                throw;
            }
        }
    }

    private static void Prepare(EmbeddedStore store, StoreUpkeep upkeep, SqliteDatabase database)
    {
        database.SetBusyTimeout(100);
        if (store.Location.Path is { } path)
        {
            Schema.ConfigureFile(database, store.Location.SyncEachCommit ? "FULL" : "NORMAL");
            Schema.ConfigureCommon(database);
            Schema.Ensure(database, path);
        }
        else
        {
            Schema.ConfigureCommon(database);
            Schema.Ensure(database, store.Location.Display);
        }

        store.Attach(database);
        upkeep.SignIn(database);
        store.Messages.RefreshInstants();

        // From here on the loop itself waits for the lock, and checks meanwhile who still waits for an answer.
        database.SetBusyTimeout(0);
    }

    private static bool CanWriteBeside(string path)
    {
        try
        {
            using var probe = new FileStream(
                $"{path}-probe-{Guid.NewGuid():N}", FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void CheckFolder(string path)
    {
        if (Directory.Exists(path))
        {
            throw new BrokerUnreachableException(Texts.PathIsFolder(path));
        }

        var folder = Path.GetDirectoryName(path);
        if (!string.IsNullOrEmpty(folder) && !Directory.Exists(folder))
        {
            throw new BrokerUnreachableException(Texts.FolderMissing(path, folder));
        }
    }
}
