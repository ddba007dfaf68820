namespace RabbitArq.Diagnostics;

/// <summary>Names for telemetry.</summary>
public static class ArqDiagnostics
{
    /// <summary>The name of RabbitArq's <see cref="System.Diagnostics.Metrics.Meter"/>.</summary>
    public const string Name = "RabbitArq";
}
