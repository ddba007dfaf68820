using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RabbitArq;
using RabbitArq.Brokers;

namespace Snippets;

#region worker-class
public sealed class ImageWorker : WorkerSettings
{
    public ImageWorker()
    {
        QueueName = "images";
        MaxConcurrentJobs = 4;
        JobTimeout = TimeSpan.FromMinutes(2);
        Functions.Add(typeof(Images));
        Functions.Add("ping", () => "pong");
    }
}
#endregion

internal static class WorkerExamples
{
    public static async Task<string?> HostAsync(string[] args)
    {
        #region host
        var builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddSingleton<Mailer>();
        builder.AddRabbitArq(arq =>
        {
            arq.Connection.Url = "sqlite:jobs.db";
            arq.AddWorker(worker => worker.Functions.Add<MailJobs>());
        });
        using var host = builder.Build();
        await host.StartAsync();

        var client = host.Services.GetRequiredService<IJobClient>();
        var job = await client.EnqueueAsync("send_welcome", "ada@example.com");
        var result = await job.ResultAsync<string>(TimeSpan.FromSeconds(10));
        await host.StopAsync();
        #endregion

        return result;
    }

    public static async Task<WorkerSummary> BurstAsync()
    {
        #region worker-run
        var summary = await Worker.RunAsync(new ImageWorker { BurstMode = true });
        Console.WriteLine($"{summary.Completed} completed, {summary.Failed} dead-lettered, {summary.Retried} retried");
        #endregion

        return summary;
    }

    public static WorkerSettings Standalone(string file)
    {
        #region worker-standalone
        var worker = new WorkerSettings { QueueName = "mail", MaxRetries = 5 };
        worker.Connection.Url = $"sqlite:{file}";
        worker.Services.AddSingleton<Mailer>();
        worker.Functions.Add<MailJobs>();
        #endregion

        return worker;
    }

    public static void Queues(WorkerSettings worker)
    {
        #region worker-queues
        worker.QueueName = "mail";
        worker.MaxConcurrentJobs = 20;
        worker.Queues.Add(new WorkerQueue("reports") { MaxConcurrentJobs = 2, PrefetchCount = 4 });
        #endregion
    }

    public static async Task<string?> LookAtDeadLettersAsync(string url, CancellationToken cancellationToken)
    {
        #region dead-letters
        await using var broker = await Broker.OpenAsync(url, cancellationToken);
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec("mail.dlq", PrefetchCount: 1), cancellationToken);
        var letter = await consumer.Deliveries.ReadAsync(cancellationToken);
        var error = $"{letter.Message.Headers["x-error-type"]}: {letter.Message.Headers["x-error-message"]}";
        await letter.SettleAsync(Settlement.Requeue, cancellationToken);
        #endregion

        return error;
    }
}
