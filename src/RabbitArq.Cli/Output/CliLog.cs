using Microsoft.Extensions.Logging;
using RabbitArq.Cli.Localization;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace RabbitArq.Cli.Output;

/// <summary>The tool's log: standard error, and a file that starts anew each day.</summary>
internal static class CliLog
{
    /// <summary>A file grows at most this far before the next is begun; this many are kept.</summary>
    private const long LargestFile = 100 * 1024 * 1024;
    private const int KeptFiles = 31;

    /// <summary>Sets up logging for a worker's settings.</summary>
    /// <param name="settings">Level, format and file.</param>
    /// <param name="write">Writes a line where the user sees it.</param>
    /// <param name="level">Another level than the settings'.</param>
    /// <exception cref="CliException">The file cannot be written.</exception>
    public static Action<ILoggingBuilder> Create(WorkerSettings settings, Action<string> write, LogLevel? level = null)
    {
        var least = level ?? settings.LogLevel;
        if (least == LogLevel.None)
        {
            return log => log.ClearProviders();
        }

        var isJson = settings.LogFormat == "json";
        var logger = new LoggerConfiguration().MinimumLevel.Is(LevelOf(least));
        logger.WriteTo.Sink(new LineSink(isJson ? new JsonLine() : new TextLine(withStackTraces: least <= LogLevel.Debug), write));
        if (settings.LogFile is { } file)
        {
            Prove(file);
            logger.WriteTo.File(
                isJson ? new JsonLine() : new TextLine(withStackTraces: true, withDate: true),
                file,
                rollingInterval: RollingInterval.Day,
                fileSizeLimitBytes: LargestFile,
                rollOnFileSizeLimit: true,
                retainedFileCountLimit: KeptFiles);
        }

        var built = logger.CreateLogger();
        return log =>
        {
            log.ClearProviders();
            log.SetMinimumLevel(least);
            log.AddSerilog(built, dispose: true);
        };
    }

    private static LogEventLevel LevelOf(LogLevel level) => level switch
    {
        LogLevel.Trace => LogEventLevel.Verbose,
        LogLevel.Debug => LogEventLevel.Debug,
        LogLevel.Information => LogEventLevel.Information,
        LogLevel.Warning => LogEventLevel.Warning,
        LogLevel.Error => LogEventLevel.Error,
        _ => LogEventLevel.Fatal,
    };

    /// <summary>The rolling sink opens its file at the first line and stays silent when it cannot: so it is tried here.</summary>
    private static void Prove(string file)
    {
        try
        {
            var directory = Path.GetDirectoryName(Path.GetFullPath(file))!;
            Directory.CreateDirectory(directory);
            var probe = Path.Combine(directory, $".{Path.GetFileName(file)}.{Environment.ProcessId}.probe");
            using (new FileStream(probe, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new CliException(Texts.LogFileNotWritable(file, exception.Message), Texts.LogFileNotWritableAdvice(), innerException: exception);
        }
    }

    /// <summary>Writes each event as one text through a delegate: a progress bar may own the screen meanwhile.</summary>
    private sealed class LineSink(Serilog.Formatting.ITextFormatter formatter, Action<string> write) : ILogEventSink
    {
        public void Emit(LogEvent logEvent)
        {
            using var line = new StringWriter();
            formatter.Format(logEvent, line);
            write(line.ToString().TrimEnd('\n'));
        }
    }
}
