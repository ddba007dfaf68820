using HostedWorker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RabbitArq;

// Usage: dotnet run --project samples/HostedWorker [-- [--demo] [--url URL]]
// One generic host that submits jobs and works on them. It runs until Ctrl-C; --demo: until three orders are done.
var demo = args.Contains("--demo");
var at = Array.IndexOf(args, "--url");
var url = at >= 0 && at + 1 < args.Length ? args[at + 1] : Environment.GetEnvironmentVariable("RABBITMQ_URL") ?? "sqlite:orders.db";

var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddSingleton<PaymentServer>();
builder.Services.AddScoped<OrderBook>();
builder.AddRabbitArq(arq =>
{
    arq.Connection.Url = demo ? "sqlite::memory:" : url;
    arq.AddWorker(worker =>
    {
        worker.QueueName = "orders";
        worker.RetryBackoff = TimeSpan.FromSeconds(0.5);
        worker.Functions.Add<OrderJobs>();
    });
});
builder.Services.AddHostedService(services => new OrderDesk(
    services.GetRequiredService<IJobClient>(), services.GetRequiredService<IHostApplicationLifetime>(), demo ? 3 : int.MaxValue));
await builder.Build().RunAsync();
return OrderDesk.ExitCode;
