using RabbitArq;
using RabbitArq.Brokers;

namespace Snippets;

internal static class EnqueueExamples
{
    public static async Task<JobHandle> StandaloneAsync(string url)
    {
        #region client
        await using var client = await JobClient.ConnectAsync(url, settings => settings.QueueName = "mail");
        var job = await client.EnqueueAsync("send_welcome", "ada@example.com");
        Console.WriteLine(job.JobId);
        #endregion

        return job;
    }

    public static async Task<JobHandle> OptionsAsync(IJobClient client)
    {
        #region enqueue-options
        var job = await client.EnqueueAsync(new JobRequest("ship_parcel")
        {
            Args = [42],
            NamedArgs = new Dictionary<string, object?>
            {
                ["to"] = new Address("1 Main Street", "Turin"),
                ["labels"] = new[] { "fragile" },
            },
            Options = new EnqueueOptions
            {
                DeferBy = TimeSpan.FromSeconds(2),
                Expires = TimeSpan.FromHours(1),
                MaxRetries = 0,
                Headers = new Dictionary<string, object?> { ["tenant"] = "north" },
            },
        });
        #endregion

        return job;
    }

    public static async Task<EnqueueReport> BatchAsync(IJobClient client, IEnumerable<string> addresses)
    {
        #region enqueue-batch
        var report = await client.EnqueueManyAsync(addresses.Select(address => new JobRequest("send_welcome") { Args = [address] }));
        Console.WriteLine($"{report.Confirmed} confirmed, {report.Failed} not");
        foreach (var item in report.Items.Where(item => item.Error is not null))
        {
            Console.Error.WriteLine($"{item.Request.Args[0]}: {item.Error!.Message}");
        }
        #endregion

        return report;
    }

    public static async Task<bool> ErrorsAsync(IJobClient client, string jobId)
    {
        #region enqueue-errors
        var options = new EnqueueOptions { JobId = jobId };
        try
        {
            await client.EnqueueAsync("send_welcome", options, "ada@example.com");
            return true;
        }
        catch (PublishException exception) when (exception.MayHaveArrived)
        {
            await client.EnqueueAsync("send_welcome", options, "ada@example.com");
            return true;
        }
        catch (BrokerException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return false;
        }
        #endregion
    }

    public static async Task<string?> ResultAsync(IJobClient client, string jobId)
    {
        #region results
        var job = client.GetHandle(jobId);
        try
        {
            return await job.ResultAsync<string>(TimeSpan.FromSeconds(30));
        }
        catch (JobFailedException exception)
        {
            return exception.Record.Error;
        }
        #endregion
    }
}
