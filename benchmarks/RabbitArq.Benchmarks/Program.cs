using System.Runtime.InteropServices;
using RabbitArq.Benchmarks.Bare;
using RabbitArq.Brokers;

namespace RabbitArq.Benchmarks;

/// <summary>Measures RabbitArq against the bare client. Exit codes: 0 measured, 1 failed, 64 wrong command line, 75 no broker given, 130 interrupted.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is ["--help" or "-h" or "help"])
        {
            Console.WriteLine(BenchmarkSettings.Usage);
            return 0;
        }

        using var stop = new CancellationTokenSource();
        void OnSignal(PosixSignalContext signal)
        {
            // The first one cleans up; a second one ends the process as usual.
            signal.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        try
        {
            var settings = BenchmarkSettings.Parse(arguments, Environment.GetEnvironmentVariable);
            await RunAsync(settings, stop.Token);
            return 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("benchmark: interrupted");
            return 130;
        }
        catch (BenchmarkException exception)
        {
            await Console.Error.WriteLineAsync($"benchmark: {exception.Message}" + (exception.ShowUsage ? "\n\n" + BenchmarkSettings.Usage : ""));
            return exception.ExitCode;
        }
        catch (Exception exception) when (exception is BrokerException or BrokerUrlException or AggregateException
            or global::RabbitMQ.Client.Exceptions.RabbitMQClientException or Microsoft.Data.Sqlite.SqliteException or IOException)
        {
            var first = (exception as AggregateException)?.InnerExceptions[0];
            await Console.Error.WriteLineAsync($"benchmark: {exception.GetType().Name}: {exception.Message}" + (first is null ? "" : $" First: {first.Message}"));
            return 1;
        }
    }

    private static async Task RunAsync(BenchmarkSettings settings, CancellationToken stop)
    {
        try
        {
            var url = settings.Embedded is { } file ? "sqlite:" + file : settings.Amqp!;
            await using var queues = await Queues.OpenAsync(url, settings, stop);
            await queues.DeclareAsync(queues.Ours, stop);
            await using var ours = await RabbitArqSide.OpenAsync(settings, url, queues, stop);
            await using var bare = await OpenBareAsync(settings, queues, ours, stop);
            var contest = ContestOf(settings, ours, bare);
            if (settings.Only is { } letter)
            {
                await contest.RunAloneAsync(letter, Console.Out, stop);
                return;
            }

            var report = new Report(settings, contest, await queues.DescribeAsync(stop), Console.Out);
            report.Heading();
            await contest.RunAsync(report.Pair, stop);
            report.End();
        }
        finally
        {
            DeleteFiles(settings);
        }
    }

    private static async Task<IBareSide> OpenBareAsync(BenchmarkSettings settings, Queues queues, RabbitArqSide ours, CancellationToken stop)
    {
        if (settings.Embedded is { } file)
        {
            return new BareSqlite(settings, file + ".bare", ours.SampleMessage());
        }

        await queues.DeclareAsync(queues.Bare, stop);
        return await BareRabbitMq.OpenAsync(settings, settings.Amqp!, queues, ours, stop);
    }

    private static Contest ContestOf(BenchmarkSettings settings, RabbitArqSide ours, IBareSide bare)
    {
        var transactions = settings.IsEmbedded ? ", transactions of 500" : "";
        return settings.Measure switch
        {
            "enqueue" => new Contest("jobs/s",
            [
                new("RabbitArq, EnqueueManyAsync", Role.Ours, ours.EnqueueManyAsync),
                new($"{bare.Name}, {(settings.IsEmbedded ? "inserts" : "tracked confirms")}{transactions}", Role.Bare, bare.EnqueueAsync),
                new($"RabbitArq, EnqueueAsync by {settings.Callers} callers", Role.Extra, ours.EnqueueConcurrentlyAsync),
            ], settings),
            "drain" => new Contest("jobs/s",
            [
                new($"RabbitArq, {settings.Concurrency} jobs at a time", Role.Ours, ours.DrainAsync),
                new($"{bare.Name}{(settings.IsEmbedded ? transactions : ", one ack per message")}", Role.Bare, token => bare.DrainAsync(1, token)),
                .. settings.IsEmbedded ? Array.Empty<Contestant>() : [new($"{bare.Name}, one ack per 50 messages", Role.Extra, token => bare.DrainAsync(50, token))],
            ], settings),
            _ => new Contest("ms",
            [
                new("RabbitArq, p50 and p99", Role.Ours, ours.LatencyAsync),
                new($"{bare.Name}, p50 and p99", Role.Bare, bare.LatencyAsync),
            ], settings),
        };
    }

    /// <summary>The embedded broker's file and the bare side's, with what SQLite and the broker keep beside them.</summary>
    private static void DeleteFiles(BenchmarkSettings settings)
    {
        if (settings.Embedded is { } file && Path.GetDirectoryName(file) is { } folder && Directory.Exists(folder))
        {
            foreach (var left in Directory.EnumerateFiles(folder, Path.GetFileName(file) + "*"))
            {
                File.Delete(left);
            }
        }
    }
}
