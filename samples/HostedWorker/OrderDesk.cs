using HostedWorker.Localization;
using Microsoft.Extensions.Hosting;
using RabbitArq;

namespace HostedWorker;

/// <summary>Submits orders, and waits for each to be charged.</summary>
internal sealed class OrderDesk(IJobClient client, IHostApplicationLifetime lifetime, int orders) : BackgroundService
{
    /// <summary>0 when every order was charged.</summary>
    public static int ExitCode { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            for (var order = 1; order <= orders; order++)
            {
                var job = await client.EnqueueAsync(new JobRequest("charge_order") { Args = [order, 9.90m * order] }, stoppingToken);
                Console.WriteLine(Texts.Submitted(order, job.JobId));
                Console.WriteLine(Texts.Charged(order, await job.ResultAsync<string>(TimeSpan.FromSeconds(30), stoppingToken) ?? ""));
                await Task.Delay(TimeSpan.FromSeconds(0.2), stoppingToken);
            }
        }
        catch (Exception exception) when (exception is RabbitArqException or TimeoutException)
        {
            ExitCode = 1;
            Console.Error.WriteLine(exception.Message);
        }

        lifetime.StopApplication();
    }
}
