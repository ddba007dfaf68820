using System.Globalization;

namespace RabbitArq.Sqlite.Storage;

/// <summary>
/// A small file beside the database that a process keeps locked for as long as it lives. The operating system releases the
/// lock at the instant of its death, however it dies, and keeps it while it is merely stopped or slow: no heartbeat can
/// tell the two apart.
/// </summary>
internal sealed class NodeLock : IDisposable
{
    private const string Infix = "-session-";
    private static readonly TimeSpan OrphanAge = TimeSpan.FromMinutes(1);

    private readonly FileStream _stream;

    private NodeLock(FileStream stream, string path)
    {
        _stream = stream;
        Path = path;
    }

    public string Path { get; }

    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>Makes a new lock beside a database.</summary>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">Nothing may be written there.</exception>
    /// <exception cref="NotSupportedException">The file system does not lock.</exception>
    public static NodeLock Create(string databasePath)
    {
        for (var attempt = 0; ; attempt++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{databasePath}{Infix}{Guid.NewGuid():N}");
            var held = TryTake(path, FileMode.CreateNew);

            // Between its creation and its lock another process may have taken the file for an orphan and deleted it.
            if (held is null || !File.Exists(path))
            {
                held?.Dispose();
                if (attempt == 5)
                {
                    throw new IOException(path);
                }

                continue;
            }

            using var second = TryTake(path, FileMode.Open);
            if (second is null)
            {
                return held;
            }

            held.Dispose();
            throw new NotSupportedException(path);
        }
    }

    /// <summary>Takes the lock of another process if that process is gone.</summary>
    /// <returns>The lock, or null while its owner lives. A missing file is recreated: its owner is gone, or shall be taken so.</returns>
    public static NodeLock? TryTakeOver(string databasePath, string name)
    {
        var directory = System.IO.Path.GetDirectoryName(databasePath) ?? "";
        return TryTake(System.IO.Path.Combine(directory, name), FileMode.OpenOrCreate);
    }

    /// <summary>Deletes locks that nobody holds and no table mentions: their process died before it could sign in.</summary>
    public static void DeleteOrphans(string databasePath, IReadOnlySet<string> known, DateTimeOffset now)
    {
        var directory = System.IO.Path.GetDirectoryName(databasePath) ?? ".";
        foreach (var path in Directory.EnumerateFiles(directory, System.IO.Path.GetFileName(databasePath) + Infix + "*"))
        {
            if (!known.Contains(System.IO.Path.GetFileName(path)) && now - File.GetLastWriteTimeUtc(path) > OrphanAge)
            {
                TryTake(path, FileMode.Open)?.Dispose();
            }
        }
    }

    /// <summary>Whether the file is still where it was made. When somebody has deleted it, others take this process for dead.</summary>
    public bool IsInPlace => File.Exists(Path);

    /// <summary>Deletes the file, then releases the lock, so that nobody can take it in between.</summary>
    public void Dispose()
    {
        try
        {
            File.Delete(Path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Windows deletes no open file: it goes below. What stays after that is an orphan, and is deleted as one.
            _stream.Dispose();
            DeleteIfPossible();
            return;
        }

        _stream.Dispose();
    }

    private static NodeLock? TryTake(string path, FileMode mode)
    {
        try
        {
            return new NodeLock(new FileStream(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 1), path);
        }
        catch (IOException failure) when (failure is not DirectoryNotFoundException && (failure is FileNotFoundException || File.Exists(path)))
        {
            return null;
        }
    }

    private void DeleteIfPossible()
    {
        try
        {
            File.Delete(Path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            System.Diagnostics.Debug.WriteLine(failure.Message);
        }
    }
}
