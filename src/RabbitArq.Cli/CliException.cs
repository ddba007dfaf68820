namespace RabbitArq.Cli;

/// <summary>How the process ends.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
}

/// <summary>Something that the user can put right: what happened, and what to do.</summary>
internal sealed class CliException(string message, string advice, int exitCode = ExitCode.Failed, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>What to do, in one line.</summary>
    public string Advice { get; } = advice;

    public int ExitCode { get; } = exitCode;

    /// <summary>Lines between the two: what a compiler said, or what was found.</summary>
    public IReadOnlyList<string> Details { get; init; } = [];
}
