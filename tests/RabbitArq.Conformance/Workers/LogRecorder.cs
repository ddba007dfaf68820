using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace RabbitArq.Conformance.Workers;

/// <summary>One line of a log, with everything that a provider is given.</summary>
/// <param name="Id">The event.</param>
/// <param name="Level">How severe it is.</param>
/// <param name="Text">The message, the exception and the values of the scopes.</param>
/// <param name="JobId">The job that the scopes name; null: none.</param>
public sealed record LogLine(EventId Id, LogLevel Level, string Text, string? JobId);

/// <summary>Keeps what is logged.</summary>
public sealed class LogRecorder : ILoggerProvider, ISupportExternalScope
{
    private readonly ConcurrentQueue<LogLine> _lines = new();
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    /// <summary>What was logged here.</summary>
    public IReadOnlyCollection<LogLine> Lines => _lines;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Recorder(this);

    /// <inheritdoc/>
    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Recorder(LogRecorder owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => owner._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            string? jobId = null;
            owner._scopes.ForEachScope(
                (scope, _) =>
                {
                    if (scope is IEnumerable<KeyValuePair<string, object?>> values)
                    {
                        jobId = values.FirstOrDefault(value => value.Key == "JobId").Value as string ?? jobId;
                    }
                },
                0);
            var text = $"{formatter(state, exception)} {exception}";
            owner._lines.Enqueue(new LogLine(eventId, logLevel, text, jobId));
        }
    }
}
