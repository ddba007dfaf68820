using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using RabbitArq.Brokers;

namespace RabbitArq.Benchmarks;

/// <summary>Writes what was measured, for people or as one JSON object.</summary>
internal sealed class Report(BenchmarkSettings settings, Contest contest, BrokerInfo broker, TextWriter output)
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public void Heading()
    {
        if (!settings.Json)
        {
            output.WriteLine($"{settings.Measure}, {Place()}, {settings.Jobs} jobs, {settings.Pairs} pairs, {contest.Unit}");
            output.WriteLine($"{Versions()["machine"]}");
            for (var i = 0; i < contest.Contestants.Count; i++)
            {
                output.WriteLine($"  {Letter(i)} = {contest.Contestants[i].Name}");
            }

            output.WriteLine("  pair  " + string.Join("", contest.Contestants.Select((_, i) => Letter(i).PadLeft(20))) + "   ratio");
            output.Flush();
        }
    }

    public void Pair(int number, Sample[] samples)
    {
        if (!settings.Json)
        {
            var ratio = samples[contest.IndexOf(Role.Ours)].Value / samples[contest.IndexOf(Role.Bare)].Value;
            output.WriteLine(Line(number.ToString(CultureInfo.InvariantCulture), samples, ratio));
            output.Flush();
        }
    }

    public void End()
    {
        var (ours, bare) = (contest.IndexOf(Role.Ours), contest.IndexOf(Role.Bare));
        var ratio = contest.Median(ours) / contest.Median(bare);
        if (settings.Json)
        {
            WriteJson(ours, bare, ratio);
            return;
        }

        var medians = contest.Contestants.Select((_, i) => new Sample(contest.Median(i), contest.MedianP99(i))).ToArray();
        output.WriteLine(Line("median", medians, ratio));
        WriteCost("cpu us", contest.MedianCpu, ours, bare);
        WriteCost("alloc", contest.MedianAllocated, ours, bare);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio {Letter(ours)} / {Letter(bare)} = {ratio:0.000}"));
        foreach (var i in Enumerable.Range(0, medians.Length).Where(i => i != ours && i != bare))
        {
            var (toBare, toThis) = (medians[i].Value / medians[bare].Value, medians[ours].Value / medians[i].Value);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"      {Letter(i)} / {Letter(bare)} = {toBare:0.000}, {Letter(ours)} / {Letter(i)} = {toThis:0.000}"));
        }

        if (medians[ours].P99 is { } ourTail && medians[bare].P99 is { } bareTail)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio of the 99th percentiles = {ourTail / bareTail:0.000}"));
        }
    }

    /// <summary>What a job costs this process: microseconds of its processor time, bytes of its memory.</summary>
    private void WriteCost(string label, Func<int, double?> median, int ours, int bare)
    {
        if (median(ours) is { } our && median(bare) is { } their)
        {
            var cells = contest.Contestants.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"{median(i):#,0.0}").PadLeft(20));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {label,-6}{string.Join("", cells)}{our / their,8:0.000}   (this process, each job)"));
        }
    }

    private void WriteJson(int ours, int bare, double ratio)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented))
        {
            json.WriteStartObject();
            json.WriteString("measure", settings.Measure);
            json.WriteString("unit", contest.Unit);
            json.WriteNumber("ratio", Round(ratio));
            json.WriteNumber("ours", Round(contest.Median(ours)));
            json.WriteNumber("bare", Round(contest.Median(bare)));
            WriteSecond(json, "p99", contest.MedianP99, ours, bare);
            WriteSecond(json, "cpuMicrosecondsPerJob", contest.MedianCpu, ours, bare);
            WriteSecond(json, "allocatedBytesPerJob", contest.MedianAllocated, ours, bare);
            WritePairRatios(json, ours, bare);
            WriteContestants(json, bare);
            WritePairs(json, ours, bare);
            WriteSettings(json);
            json.WriteStartObject("versions");
            foreach (var (name, value) in Versions())
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            json.WriteString("date", TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }

    /// <summary>A figure beside the main one, where both sides have it.</summary>
    private static void WriteSecond(Utf8JsonWriter json, string name, Func<int, double?> median, int ours, int bare)
    {
        if (median(ours) is { } our && median(bare) is { } their)
        {
            json.WriteStartObject(name);
            json.WriteNumber("ratio", Round(our / their));
            json.WriteNumber("ours", Round(our));
            json.WriteNumber("bare", Round(their));
            json.WriteEndObject();
        }
    }

    private void WritePairRatios(Utf8JsonWriter json, int ours, int bare)
    {
        var ratios = contest.Pairs.Select(pair => pair[ours].Value / pair[bare].Value).ToArray();
        json.WriteStartObject("pairRatios");
        json.WriteNumber("median", Round(Contest.MedianOf(ratios)));
        json.WriteNumber("least", Round(ratios.Min()));
        json.WriteNumber("most", Round(ratios.Max()));
        json.WriteEndObject();
    }

    private void WriteContestants(Utf8JsonWriter json, int bare)
    {
        json.WriteStartArray("contestants");
        for (var i = 0; i < contest.Contestants.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("name", contest.Contestants[i].Name);
            json.WriteString("role", contest.Contestants[i].Role switch { Role.Ours => "ours", Role.Bare => "bare", _ => "extra" });
            json.WriteNumber("median", Round(contest.Median(i)));
            json.WriteNumber("ratioToBare", Round(contest.Median(i) / contest.Median(bare)));
            if (contest.MedianCpu(i) is { } cpu)
            {
                json.WriteNumber("cpuMicrosecondsPerJob", Round(cpu));
            }

            if (contest.MedianAllocated(i) is { } bytes)
            {
                json.WriteNumber("allocatedBytesPerJob", Round(bytes));
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WritePairs(Utf8JsonWriter json, int ours, int bare)
    {
        json.WriteStartArray("pairs");
        foreach (var pair in contest.Pairs)
        {
            json.WriteStartObject();
            json.WriteNumber("ours", Round(pair[ours].Value));
            json.WriteNumber("bare", Round(pair[bare].Value));
            json.WriteNumber("ratio", Round(pair[ours].Value / pair[bare].Value));
            if (pair[ours].P99 is { } ourTail && pair[bare].P99 is { } bareTail)
            {
                json.WriteNumber("oursP99", Round(ourTail));
                json.WriteNumber("bareP99", Round(bareTail));
            }

            json.WriteStartArray("all");
            foreach (var sample in pair)
            {
                json.WriteNumberValue(Round(sample.Value));
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteSettings(Utf8JsonWriter json)
    {
        json.WriteStartObject("settings");
        json.WriteString("broker", broker.Url);
        if (!settings.IsEmbedded)
        {
            json.WriteString("queueType", QueueTypeName());
        }

        json.WriteNumber("jobs", settings.Jobs);
        json.WriteNumber("pairs", settings.Pairs);
        json.WriteNumber("warmUps", settings.WarmUps);
        json.WriteNumber("prefetch", settings.Prefetch);
        json.WriteNumber("concurrency", settings.Concurrency);
        json.WriteNumber("callers", settings.Callers);
        json.WriteNumber("rate", settings.Rate);
        json.WriteString("job", settings.SynchronousJob ? "sync" : "async");
        json.WriteEndObject();
    }

    private SortedDictionary<string, string> Versions() => new(StringComparer.Ordinal)
    {
        ["rabbitArq"] = VersionOf(typeof(JobClient).Assembly),
        ["broker"] = $"{broker.Product} {broker.Version}",
        ["bareClient"] = settings.IsEmbedded
            ? $"Microsoft.Data.Sqlite {VersionOf(typeof(Microsoft.Data.Sqlite.SqliteConnection).Assembly)}"
            : $"RabbitMQ.Client {VersionOf(typeof(global::RabbitMQ.Client.IChannel).Assembly)}",
        ["runtime"] = RuntimeInformation.FrameworkDescription,
        ["machine"] = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} processors",
    };

    /// <summary>The version without the commit that the SDK appends.</summary>
    private static string VersionOf(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "?";

    private string Place() => settings.IsEmbedded ? "embedded broker" : $"{broker.Product} {broker.Version}, {QueueTypeName()} queue";

    private string QueueTypeName() => settings.QueueType == Routing.QueueType.Quorum ? "quorum" : "classic";

    private string Line(string label, Sample[] samples, double ratio) =>
        $"  {label,-6}" + string.Join("", samples.Select(Format).Select(text => text.PadLeft(20))) + ratio.ToString("0.000", CultureInfo.InvariantCulture).PadLeft(8);

    private string Format(Sample sample) => sample.P99 is { } tail
        ? string.Create(CultureInfo.InvariantCulture, $"{sample.Value:0.00} (p99 {tail:0.00})")
        : string.Create(CultureInfo.InvariantCulture, $"{sample.Value:#,0}");

    private static string Letter(int index) => ((char)('A' + index)).ToString();

    private static double Round(double value) => Math.Round(value, 4);
}
