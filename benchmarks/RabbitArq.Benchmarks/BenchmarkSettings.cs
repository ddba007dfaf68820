using System.Globalization;
using RabbitArq.Routing;

namespace RabbitArq.Benchmarks;

/// <summary>What one run measures, from the command line.</summary>
internal sealed record BenchmarkSettings
{
    public const string Usage = """
        usage: run.sh enqueue|drain|latency [options]

          enqueue   jobs per second from one client until every one is confirmed
          drain     jobs per second from a full queue, each one decoded, bound, run and settled
          latency   milliseconds from enqueue to the first line of the job, worker idle, at a steady rate

        Each measures RabbitArq and the bare client of the same broker alternately and prints each pair, the
        medians and the ratio of the medians, RabbitArq / bare.

          --amqp URL          a RabbitMQ server (default: RABBITARQ_TEST_AMQP_43, else a private 4.3 of its own)
          --embedded FILE     the embedded broker on FILE, which must not exist and is deleted afterwards;
                              the bare side is Microsoft.Data.Sqlite doing the same row work, 500 a transaction
          --queue-type TYPE   quorum (default) or classic
          --jobs N            jobs of one measurement (default 50000; latency 500)
          --pairs N           measured pairs (default 5)
          --warm-ups N        pairs before them that are not measured (default 2: the compiler works in stages)
          --json              one JSON object on standard output instead of text
          --prefetch N        messages fetched ahead, on both sides (default 1000; latency 100)
          --concurrency N     jobs that run at a time in RabbitArq's worker (default 10)
          --callers N         concurrent callers of single enqueues (default 256)
          --rate N            jobs per second of the latency measure (default 100)
          --job KIND          async (default): a method that returns a Task; sync: one that returns nothing
          --only LETTER       one contestant alone, without a ratio: for a profiler
          --deadline SECONDS  of one measurement (default: 60, and 1 for each 500 jobs)
        """;

    public required string Measure { get; init; }

    public string? Amqp { get; init; }

    public string? Embedded { get; init; }

    public QueueType QueueType { get; init; } = QueueType.Quorum;

    public int Jobs { get; init; } = 50_000;

    public int Pairs { get; init; } = 5;

    public int WarmUps { get; init; } = 2;

    public bool Json { get; init; }

    public int Prefetch { get; init; } = 1000;

    public int Concurrency { get; init; } = 10;

    public int Callers { get; init; } = 256;

    public int Rate { get; init; } = 100;

    public bool SynchronousJob { get; init; }

    /// <summary>The contestant that runs alone, by its letter; null: all of them.</summary>
    public char? Only { get; init; }

    /// <summary>Of one measurement: whatever hangs, the run ends.</summary>
    public TimeSpan Deadline { get; init; }

    public bool IsEmbedded => Embedded is not null;

    /// <exception cref="BenchmarkException">The command line is wrong.</exception>
    public static BenchmarkSettings Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        if (arguments.Count == 0 || arguments[0] is not ("enqueue" or "drain" or "latency"))
        {
            var problem = arguments.Count == 0
                ? "Say what to measure: enqueue, drain or latency."
                : $"'{arguments[0]}' is no measure: enqueue, drain or latency.";
            throw new BenchmarkException(problem) { ShowUsage = true };
        }

        var isLatency = arguments[0] == "latency";
        var settings = new BenchmarkSettings
        {
            Measure = arguments[0],
            Jobs = isLatency ? 500 : 50_000,
            Prefetch = isLatency ? 100 : 1000,
        };
        for (var i = 1; i < arguments.Count; i++)
        {
            var option = arguments[i];
            string Value() => ++i < arguments.Count ? arguments[i] : throw new BenchmarkException($"{option} needs a value.") { ShowUsage = true };
            settings = option switch
            {
                "--json" => settings with { Json = true },
                "--amqp" => settings with { Amqp = Value() },
                "--embedded" => settings with { Embedded = Path.GetFullPath(Value()) },
                "--queue-type" => settings with { QueueType = QueueTypeOf(Value()) },
                "--jobs" => settings with { Jobs = Number(option, Value(), 1, 10_000_000) },
                "--pairs" => settings with { Pairs = Number(option, Value(), 1, 1000) },
                "--warm-ups" => settings with { WarmUps = Number(option, Value(), 0, 100) },
                "--prefetch" => settings with { Prefetch = Number(option, Value(), 1, 2000) },
                "--concurrency" => settings with { Concurrency = Number(option, Value(), 1, 2000) },
                "--callers" => settings with { Callers = Number(option, Value(), 1, 10_000) },
                "--rate" => settings with { Rate = Number(option, Value(), 1, 1000) },
                "--only" => settings with
                {
                    Only = Value() is [>= 'A' and <= 'C' and var letter]
                        ? letter
                        : throw new BenchmarkException($"--only {arguments[i]}: the letter of a contestant is needed, A to C."),
                },
                "--deadline" => settings with { Deadline = TimeSpan.FromSeconds(Number(option, Value(), 1, 86_400)) },
                "--job" => settings with
                {
                    SynchronousJob = Value() switch
                    {
                        "async" => false,
                        "sync" => true,
                        var kind => throw new BenchmarkException($"--job {kind}: there are async and sync."),
                    },
                },
                _ => throw new BenchmarkException($"{option} is no option.") { ShowUsage = true },
            };
        }

        return settings.Complete(environment);
    }

    private BenchmarkSettings Complete(Func<string, string?> environment)
    {
        if (Amqp is not null && Embedded is not null)
        {
            throw new BenchmarkException("--amqp and --embedded are two brokers: give one.");
        }

        if (Embedded is { } file && FirstFileOf(file) is { } found)
        {
            throw new BenchmarkException($"{found} exists. The benchmark makes its files and deletes them: name one that no file's name begins with.");
        }

        var url = Amqp ?? (IsEmbedded ? null : environment("RABBITARQ_TEST_AMQP_43"));
        if (url is null && !IsEmbedded)
        {
            throw new BenchmarkException("no --amqp and no --embedded, so a RabbitMQ 4.3 of its own is needed, which benchmarks/run.sh starts.") { ExitCode = 75 };
        }

        var work = Measure == "latency" ? (double)Jobs / Rate : Jobs / 500.0;
        return this with { Amqp = url, Deadline = Deadline > TimeSpan.Zero ? Deadline : TimeSpan.FromSeconds(60 + work) };
    }

    /// <exception cref="BenchmarkException">The folder does not exist.</exception>
    private static string? FirstFileOf(string file) =>
        Path.GetDirectoryName(file) is { } folder && Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, Path.GetFileName(file) + "*").FirstOrDefault()
            : throw new BenchmarkException($"--embedded {file}: there is no such folder.");

    private static QueueType QueueTypeOf(string value) => value switch
    {
        "quorum" => QueueType.Quorum,
        "classic" => QueueType.Classic,
        _ => throw new BenchmarkException($"--queue-type {value}: there are quorum and classic."),
    };

    private static int Number(string option, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new BenchmarkException(string.Create(CultureInfo.InvariantCulture, $"{option} {value}: a whole number from {least} to {most} is needed."));
}

/// <summary>A mistake of the caller's, or a measurement that did not come to its end: the message is all that is shown.</summary>
internal sealed class BenchmarkException(string message) : Exception(message)
{
    /// <summary>Whether the usage helps.</summary>
    public bool ShowUsage { get; init; }

    public int ExitCode { get => ShowUsage ? 64 : field; init; } = 1;
}
