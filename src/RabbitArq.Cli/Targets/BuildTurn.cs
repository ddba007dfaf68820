using RabbitArq.Cli.Localization;

namespace RabbitArq.Cli.Targets;

/// <summary>A lock between processes: a file that one of them holds open.</summary>
internal sealed class BuildTurn : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly FileStream _file;

    private BuildTurn(FileStream file) => _file = file;

    /// <exception cref="CliException">Another process has held it for too long.</exception>
    public static async Task<BuildTurn> TakeAsync(string path, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return new BuildTurn(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException exception) when (TimeProvider.System.GetElapsedTime(started) > Limit)
            {
                throw new CliException(Texts.BuildLocked(path), Texts.BuildLockedAdvice(), innerException: exception);
            }
            catch (IOException)
            {
                await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            }
        }
    }

    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
