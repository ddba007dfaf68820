using SQLitePCL;

namespace RabbitArq.Sqlite.Storage;

/// <summary>What SQLite answered, before it is put into words. Never leaves this assembly except as an inner exception.</summary>
internal sealed class SqliteFailureException(int code, string message) : Exception($"SQLite error {code}: {message}")
{
    /// <summary>The extended result code.</summary>
    public int Code { get; } = code;

    /// <summary>The primary result code: the low byte.</summary>
    public int PrimaryCode => Code & 0xff;

    /// <summary>Whether another connection held the lock: the same call may succeed later.</summary>
    public bool IsBusy => PrimaryCode is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;
}
