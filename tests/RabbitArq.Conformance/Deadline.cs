using System.Runtime.CompilerServices;
using System.Threading.Channels;
using RabbitArq.Brokers;
using Xunit;

namespace RabbitArq.Conformance;

/// <summary>Waiting with a deadline. Nothing in the suites waits without one, and nothing waits for time to pass.</summary>
public static class Deadline
{
    /// <summary>Long, because a slow machine must not fail a test; a test that passes never waits so long.</summary>
    public static TimeSpan Default { get; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a state that has no signal is looked at.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits for a task, no longer than the deadline.</summary>
    /// <param name="task">The task.</param>
    /// <param name="what">What is waited for, for the failure's text.</param>
    /// <param name="deadline">The longest wait; null: <see cref="Default"/>.</param>
    /// <returns>The task's end.</returns>
    /// <exception cref="TimeoutException">The time was up.</exception>
    public static async Task Within(this Task task, TimeSpan? deadline = null, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        try
        {
            await task.WaitAsync(deadline ?? Default, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Not within {deadline ?? Default}: {what}");
        }
    }

    /// <inheritdoc cref="Within(Task, TimeSpan?, string)"/>
    public static async Task<T> Within<T>(
        this Task<T> task, TimeSpan? deadline = null, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        await Within((Task)task, deadline, what);
        return await task;
    }

    /// <inheritdoc cref="Within(Task, TimeSpan?, string)"/>
    public static Task Within(this ValueTask task, TimeSpan? deadline = null, [CallerArgumentExpression(nameof(task))] string what = "") =>
        task.AsTask().Within(deadline, what);

    /// <inheritdoc cref="Within(Task, TimeSpan?, string)"/>
    public static Task<T> Within<T>(
        this ValueTask<T> task, TimeSpan? deadline = null, [CallerArgumentExpression(nameof(task))] string what = "") =>
        task.AsTask().Within(deadline, what);

    /// <summary>Looks at a state that gives no signal until it is as wanted.</summary>
    /// <param name="look">Looks.</param>
    /// <param name="wanted">Whether it is as wanted.</param>
    /// <param name="what">What is waited for, for the failure's text.</param>
    /// <returns>The state that was wanted.</returns>
    /// <exception cref="TimeoutException">The time was up; the text has the last state.</exception>
    public static async Task<T> Until<T>(
        Func<Task<T>> look, Predicate<T> wanted, [CallerArgumentExpression(nameof(wanted))] string what = "")
    {
        using var timer = new PeriodicTimer(LookEvery);
        var end = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var state = await look().Within(what: what);
            if (wanted(state))
            {
                return state;
            }

            if (TimeProvider.System.GetElapsedTime(end) > Default)
            {
                throw new TimeoutException($"Not within {Default}: {what}. Last seen: {state}");
            }

            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The next delivery.</summary>
    /// <param name="consumer">The consumer.</param>
    /// <returns>The delivery, not settled.</returns>
    /// <exception cref="TimeoutException">None came.</exception>
    public static async Task<Delivery> NextAsync(this IBrokerConsumer consumer)
    {
        ArgumentNullException.ThrowIfNull(consumer);

        // Not Within(ReadAsync): a read that was given up would still take a later delivery.
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Default);
        try
        {
            return await consumer.Deliveries.ReadAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"No delivery within {Default}.");
        }
        catch (ChannelClosedException failure)
        {
            throw new InvalidOperationException("The consumer ended while a delivery was awaited.", failure);
        }
    }

    /// <summary>The next deliveries.</summary>
    /// <param name="consumer">The consumer.</param>
    /// <param name="count">How many.</param>
    /// <returns>The deliveries in order, not settled.</returns>
    /// <exception cref="TimeoutException">Fewer came.</exception>
    public static async Task<IReadOnlyList<Delivery>> NextAsync(this IBrokerConsumer consumer, int count)
    {
        var deliveries = new List<Delivery>(count);
        while (deliveries.Count < count)
        {
            deliveries.Add(await consumer.NextAsync());
        }

        return deliveries;
    }
}
