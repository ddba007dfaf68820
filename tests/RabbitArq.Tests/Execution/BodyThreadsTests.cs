using System.Globalization;
using RabbitArq.Execution;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Execution;

public sealed class BodyThreadsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly BodyThreads _threads = new(Patience);

    [Fact]
    public async Task Bodies_that_follow_each_other_share_a_thread()
    {
        var used = new HashSet<int>();
        for (var i = 0; i < 100; i++)
        {
            used.Add(await RunAsync(() => Environment.CurrentManagedThreadId));
            await IdleAsync();
        }

        used.Count.ShouldBe(1);
        _threads.Alive.ShouldBe(1);
    }

    [Fact]
    public async Task A_body_that_blocks_keeps_no_other_from_running()
    {
        using var release = new ManualResetEventSlim();
        var blocked = Enumerable.Range(0, 20).Select(_ => RunAsync(() => release.Wait(Patience))).ToArray();

        (await RunAsync(() => "ran")).ShouldBe("ran");

        release.Set();
        (await Task.WhenAll(blocked)).ShouldAllBe(ended => ended);
    }

    [Fact]
    public async Task A_body_is_on_no_thread_of_the_pool_and_what_it_starts_is()
    {
        var (body, inner) = await RunAsync(() =>
            (Thread.CurrentThread.IsThreadPoolThread, Task.Factory.StartNew(() => Thread.CurrentThread.IsThreadPoolThread, TestContext.Current.CancellationToken)));

        body.ShouldBeFalse();
        (await inner.WaitAsync(Patience, TestContext.Current.CancellationToken)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_body_that_throws_fails_alone()
    {
        var failing = _threads.Run(static _ => throw new InvalidOperationException("no"), new object()).Unwrap();

        (await Should.ThrowAsync<InvalidOperationException>(failing.WaitAsync(Patience, TestContext.Current.CancellationToken))).Message.ShouldBe("no");
        (await RunAsync(() => 1)).ShouldBe(1);
    }

    [Fact]
    public async Task What_a_body_does_to_its_thread_does_not_meet_the_next()
    {
        var culture = CultureInfo.CurrentCulture.Name;
        await RunAsync(() =>
        {
            Thread.CurrentThread.IsBackground = false;
            Thread.CurrentThread.Priority = ThreadPriority.Lowest;
            CultureInfo.CurrentCulture = new CultureInfo("zh-CN");
            return 0;
        });
        await IdleAsync();

        (await RunAsync(() => (Thread.CurrentThread.IsBackground, Thread.CurrentThread.Priority, CultureInfo.CurrentCulture.Name)))
            .ShouldBe((true, ThreadPriority.Normal, culture));
        _threads.Alive.ShouldBe(1);
    }

    [Fact]
    public async Task Threads_without_work_end()
    {
        var impatient = new BodyThreads(TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < 200; i++)
        {
            // Now and then a body comes at the very moment in which a thread ends.
            (await impatient.Run(static state => Task.FromResult<object?>(state), i).Unwrap().WaitAsync(Patience, TestContext.Current.CancellationToken)).ShouldBe(i);
            if (i % 3 == 0)
            {
                await UntilAsync(() => impatient.Alive == 0);
            }
        }

        await UntilAsync(() => impatient.Alive == 0);
    }

    private async Task<T> RunAsync<T>(Func<T> body)
    {
        var running = _threads.Run(static state => Task.FromResult<object?>(((Func<T>)state!)()), body).Unwrap();
        return (T)(await running.WaitAsync(Patience, TestContext.Current.CancellationToken))!;
    }

    /// <summary>A body has ended a moment before its thread is idle.</summary>
    private Task IdleAsync() => UntilAsync(() => _threads.Idle == _threads.Alive);

    /// <summary>Waits on the pool: what awaits a body goes on on the body's thread, which would wait for itself.</summary>
    private static Task UntilAsync(Func<bool> condition) =>
        Task.Run(() => SpinWait.SpinUntil(condition, Patience).ShouldBeTrue(), TestContext.Current.CancellationToken);
}
