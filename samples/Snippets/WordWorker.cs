#region cli-worker
using RabbitArq;

public sealed class WordWorker : WorkerSettings
{
    public WordWorker()
    {
        QueueName = "words";
        Functions.Add("count_words", async (string path, CancellationToken stop) =>
            (await File.ReadAllTextAsync(path, stop)).Split().Length);
    }
}
#endregion
