using Microsoft.Extensions.Logging;
using RabbitArq;

namespace HostedWorker;

/// <summary>The jobs of a shop. An instance is made for each run, from the services of that run's scope.</summary>
public sealed class OrderJobs(OrderBook book, ILogger<OrderJobs> logger)
{
    /// <summary>Charges an order, and has the receipt sent by another job.</summary>
    [Job(MaxRetries = 5, TimeoutSeconds = 10)]
    public async Task<string> ChargeOrderAsync(int orderId, decimal amount, JobContext context, CancellationToken cancellationToken)
    {
        var payment = await book.ChargeAsync(orderId, amount, cancellationToken);
        await context.EnqueueAsync("send_receipt", orderId, payment);
        return payment;
    }

    /// <summary>Sends a receipt.</summary>
    [Job]
    public void SendReceipt(int orderId, string payment) =>
        logger.LogInformation("Receipt of order {Order} sent for payment {Payment}", orderId, payment);
}

/// <summary>A service with the lifetime of one run, as a database context has it.</summary>
public sealed class OrderBook(PaymentServer payments)
{
    public Task<string> ChargeAsync(int orderId, decimal amount, CancellationToken cancellationToken) =>
        payments.PayAsync($"order-{orderId}", amount, cancellationToken);
}

/// <summary>
/// Stands for a server elsewhere: the first request of each order finds it busy, and a request with a known key is answered
/// with the first payment, because a job can run twice.
/// </summary>
public sealed class PaymentServer
{
    private readonly Dictionary<string, int> _requests = [];
    private readonly Lock _lock = new();

    public Task<string> PayAsync(string key, decimal amount, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            _requests[key] = _requests.GetValueOrDefault(key) + 1;
            return _requests[key] == 1
                ? Task.FromException<string>(new HttpRequestException($"the payment server is busy ({key}, {amount})"))
                : Task.FromResult($"paid-{key}");
        }
    }
}
