using HostedWorker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RabbitArq;

// Usage: dotnet run --project samples/HostedWorker [-- [--demo] [--url URL]]
// One generic host that submits jobs and works on them. It runs until Ctrl-C; --demo: until three orders are done, in memory
// unless a URL is given.
var demo = args.Contains("--demo");
var at = Array.IndexOf(args, "--url");
var url = at >= 0 && at + 1 < args.Length ? args[at + 1] : Environment.GetEnvironmentVariable("RABBITMQ_URL") ?? (demo ? "sqlite::memory:" : "sqlite:orders.db");

var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddSingleton<PaymentServer>();
builder.Services.AddScoped<OrderBook>();
builder.AddRabbitArq(arq =>
{
    arq.Connection.Url = url;
    arq.AddWorker(worker =>
    {
        worker.QueueName = "orders";

        // RabbitMQ keeps no results; the embedded broker does by itself.
        worker.ResultStoreUrl = url.StartsWith("sqlite:", StringComparison.Ordinal) ? null : "sqlite:order-results.db";
        worker.RetryBackoff = TimeSpan.FromSeconds(0.5);
        worker.Functions.Add<OrderJobs>();
    });
});
builder.Services.AddHostedService(services => new OrderDesk(
    services.GetRequiredService<IJobClient>(), services.GetRequiredService<IHostApplicationLifetime>(), demo ? 3 : int.MaxValue));
await builder.Build().RunAsync();
return OrderDesk.ExitCode;
