using System.Text;
using SQLitePCL;

namespace RabbitArq.Sqlite.Storage;

/// <summary>
/// A prepared statement, kept for the life of its connection. Used by one thread. Above the C interface directly rather
/// than ADO.NET: no boxed parameters, no per-call objects, and spans over blobs, which the message path is made of.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly SqliteDatabase _database;
    private readonly sqlite3_stmt _handle;

    public SqliteStatement(SqliteDatabase database, sqlite3_stmt handle)
    {
        _database = database;
        _handle = handle;
    }

    public SqliteStatement Bind(int index, long value)
    {
        _database.Check(raw.sqlite3_bind_int64(_handle, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, long? value) => value is { } number ? Bind(index, number) : BindNull(index);

    public SqliteStatement Bind(int index, bool value) => Bind(index, value ? 1L : 0L);

    public SqliteStatement Bind(int index, string? value)
    {
        if (value is null)
        {
            return BindNull(index);
        }

        _database.Check(raw.sqlite3_bind_text(_handle, index, value));
        return this;
    }

    public SqliteStatement BindUtf8(int index, ReadOnlySpan<byte> value)
    {
        _database.Check(raw.sqlite3_bind_text(_handle, index, value));
        return this;
    }

    /// <summary>Binds bytes; an empty span is bound as NULL, which reads back as an empty span.</summary>
    public SqliteStatement BindBlob(int index, ReadOnlySpan<byte> value)
    {
        _database.Check(value.IsEmpty ? raw.sqlite3_bind_null(_handle, index) : raw.sqlite3_bind_blob(_handle, index, value));
        return this;
    }

    public SqliteStatement BindNull(int index)
    {
        _database.Check(raw.sqlite3_bind_null(_handle, index));
        return this;
    }

    /// <summary>Goes to the next row. At the end, or on a failure, the statement is reset and may be bound again.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(_handle);
        if (code == raw.SQLITE_ROW)
        {
            return true;
        }

        // The message is read before the reset; the reset repeats the code of the failed step.
        SqliteFailureException? failure = code == raw.SQLITE_DONE ? null : _database.Failure(code);
        _ = raw.sqlite3_reset(_handle);
        return failure is null ? false : throw failure;
    }

    /// <summary>Runs a statement that yields no rows.</summary>
    /// <returns>How many rows it changed.</returns>
    public int Execute()
    {
        while (Step())
        {
        }

        return _database.Changes;
    }

    /// <summary>Stops before the last row was read.</summary>
    public void Reset() => _ = raw.sqlite3_reset(_handle);

    public long Int64(int column) => raw.sqlite3_column_int64(_handle, column);

    public bool IsNull(int column) => raw.sqlite3_column_type(_handle, column) == raw.SQLITE_NULL;

    public long? NullableInt64(int column) => IsNull(column) ? null : Int64(column);

    /// <summary>The bytes of a blob or text, valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(_handle, column);

    public string Text(int column) => Encoding.UTF8.GetString(Bytes(column));

    public string? NullableText(int column) => IsNull(column) ? null : Text(column);

    /// <summary>The first column of the only row; <paramref name="otherwise"/> when there is no row or it holds NULL.</summary>
    public long Scalar(long otherwise = 0)
    {
        if (!Step())
        {
            return otherwise;
        }

        var value = NullableInt64(0) ?? otherwise;
        Reset();
        return value;
    }

    public void Dispose() => _handle.Dispose();
}
