using Quickstart;
using Quickstart.Localization;
using RabbitArq;
using RabbitArq.Brokers;

// Usage: dotnet run --project samples/Quickstart [-- [all|enqueue|work] [--url URL]]
// all (default): enqueues and works in one process; enqueue and work: one process each, on the same URL.
Console.OutputEncoding = System.Text.Encoding.UTF8;
var mode = args.FirstOrDefault(a => a is "all" or "enqueue" or "work") ?? "all";
var at = Array.IndexOf(args, "--url");
var url = at >= 0 && at + 1 < args.Length ? args[at + 1] : Environment.GetEnvironmentVariable("RABBITMQ_URL");
if (args.Any(a => a is "-h" or "--help") || args.Except([mode, "--url", url ?? ""]).Any())
{
    Console.WriteLine(Texts.Usage());
    return args.Any(a => a is "-h" or "--help") ? 0 : 2;
}

var ownFile = url is null && mode == "all" ? Path.Combine(Path.GetTempPath(), $"quickstart-{Environment.ProcessId}.db") : null;
url ??= ownFile is not null ? $"sqlite:{ownFile}" : "sqlite:quickstart.db";
Console.WriteLine(Texts.Intro(BrokerUrl.Mask(url)));
try
{
    return mode switch
    {
        "enqueue" => await Scenes.EnqueueAsync(url) is null ? 1 : 0,
        "work" => await Scenes.WorkAsync(url, burst: false, expected: null),
        _ => await Scenes.AllAsync(url),
    };
}
catch (RabbitArqException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
finally
{
    foreach (var suffix in ownFile is null ? [] : new[] { "", "-wal", "-shm" })
    {
        File.Delete(ownFile + suffix);
    }
}
