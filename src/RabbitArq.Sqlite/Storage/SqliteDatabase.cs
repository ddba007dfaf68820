using SQLitePCL;

namespace RabbitArq.Sqlite.Storage;

/// <summary>One connection to one database. Used by one thread at a time; there is no locking inside.</summary>
internal sealed class SqliteDatabase : IDisposable
{
    private const int StatusCacheWrite = 9;

    private readonly sqlite3 _handle;
    private readonly List<SqliteStatement> _statements = [];

    static SqliteDatabase() => Batteries_V2.Init();

    /// <summary>Opens, and creates where it does not exist.</summary>
    /// <param name="path">A file's path, or <c>:memory:</c> for a database of this connection only.</param>
    /// <exception cref="SqliteFailureException">SQLite could not open it.</exception>
    public SqliteDatabase(string path)
    {
        // NOMUTEX: the caller guarantees one thread at a time, so SQLite need not lock on every call.
        var code = raw.sqlite3_open_v2(path, out _handle, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE | raw.SQLITE_OPEN_NOMUTEX, null);
        if (code != raw.SQLITE_OK)
        {
            var failure = Failure(code);
            _handle.Dispose();
            throw failure;
        }

        _ = raw.sqlite3_extended_result_codes(_handle, 1);
    }

    public static string LibraryVersion => raw.sqlite3_libversion().utf8_to_string();

    public int Changes => raw.sqlite3_changes(_handle);

    /// <summary>Whether a transaction is open. SQLite itself ends one on some failures.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    /// <summary>Pages that this connection has written in its life: in WAL mode, frames appended.</summary>
    public int PagesWritten
    {
        get
        {
            _ = raw.sqlite3_db_status(_handle, StatusCacheWrite, out var current, out _, 0);
            return current;
        }
    }

    public SqliteStatement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var handle));
        var statement = new SqliteStatement(this, handle);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs statements that are not worth keeping.</summary>
    public void Execute(string sql)
    {
        var code = raw.sqlite3_exec(_handle, sql);
        if (code != raw.SQLITE_OK)
        {
            throw Failure(code);
        }
    }

    /// <summary>Asks one number once.</summary>
    public long QueryInt64(string sql)
    {
        using var statement = PrepareOnce(sql);
        return statement.Scalar();
    }

    /// <summary>Asks one text once.</summary>
    public string QueryText(string sql)
    {
        using var statement = PrepareOnce(sql);
        return statement.Step() ? statement.Text(0) : "";
    }

    /// <summary>How long SQLite itself waits for a lock, 0 for not at all.</summary>
    public void SetBusyTimeout(int milliseconds) => _ = raw.sqlite3_busy_timeout(_handle, milliseconds);

    /// <summary>Copies the write-ahead log into the database and lets the next writer start the log anew.</summary>
    /// <returns>Whether all of it was copied; false when a reader or writer was in the way.</returns>
    public bool CheckpointAndRestart()
    {
        var code = raw.sqlite3_wal_checkpoint_v2(_handle, "main", raw.SQLITE_CHECKPOINT_RESTART, out _, out _);
        return code switch
        {
            raw.SQLITE_OK => true,
            _ when (code & 0xff) is raw.SQLITE_BUSY or raw.SQLITE_LOCKED => false,
            _ => throw Failure(code),
        };
    }

    public void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw Failure(code);
        }
    }

    public SqliteFailureException Failure(int code)
    {
        var extended = raw.sqlite3_extended_errcode(_handle);
        return new SqliteFailureException((extended & 0xff) == (code & 0xff) ? extended : code, raw.sqlite3_errmsg(_handle).utf8_to_string());
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }

        _handle.Dispose();
    }

    /// <summary>A statement that the caller disposes of.</summary>
    public SqliteStatement PrepareOnce(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_handle, sql, out var handle));
        return new SqliteStatement(this, handle);
    }
}
