using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>Keeps what is logged, and lets a test wait for an event.</summary>
internal sealed class ListLogger : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _entries = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _waiting = new();

    public IReadOnlyList<(int Id, LogLevel Level, string Text)> Entries => [.. _entries];

    /// <summary>Ends when an event of this id has been logged.</summary>
    public Task LoggedAsync(int eventId)
    {
        var waiting = _waiting.GetOrAdd(eventId, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        if (_entries.Any(entry => entry.Id == eventId))
        {
            waiting.TrySetResult();
        }

        return waiting.Task;
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        _entries.Enqueue((eventId.Id, logLevel, formatter(state, exception)));
        if (_waiting.TryGetValue(eventId.Id, out var waiting))
        {
            waiting.TrySetResult();
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}
