using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace RabbitArq.Tests.Support;

/// <summary>Keeps the names of the events that were logged, and their texts.</summary>
internal sealed class RecordingLog : ILoggerProvider, ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(string? Event, string Text)> _lines = new();

    public IEnumerable<string?> Events => _lines.Select(line => line.Event);

    public IEnumerable<(string? Event, string Text)> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((eventId.Name, $"{formatter(state, exception)} {exception}"));

    public void Dispose()
    {
    }
}
