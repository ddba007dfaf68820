using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Jobs;

public sealed class JobCallTests
{
    [Fact]
    public async Task Every_kind_of_return_gives_its_result_or_none()
    {
        using var runner = new JobRunner();
        (await runner.CallAsync(() => 5)).ShouldBe(5);
        (await runner.CallAsync(() => { })).ShouldBeNull();
        (await runner.CallAsync(string? () => null)).ShouldBeNull();
        (await runner.CallAsync(async () => await Task.Yield())).ShouldBeNull();
        (await runner.CallAsync(() => Task.FromResult("t"))).ShouldBe("t");
        (await runner.CallAsync(() => ValueTask.CompletedTask)).ShouldBeNull();
        (await runner.CallAsync(() => new ValueTask<int>(6))).ShouldBe(6);
        (await runner.CallAsync(Task () => null!)).ShouldBeNull();
        (await runner.CallAsync(async () =>
        {
            await Task.Yield();
            return new[] { 1 };
        })).ShouldBe(new[] { 1 });
    }

    [Fact]
    public async Task What_a_job_throws_comes_out_as_it_was_thrown()
    {
        using var runner = new JobRunner();
        var failure = await Should.ThrowAsync<InvalidDataException>(() => runner.CallAsync(void () => ThrowHere()));
        failure.StackTrace.ShouldNotBeNull().ShouldContain(nameof(ThrowHere));
        await Should.ThrowAsync<InvalidDataException>(() => runner.CallAsync(async Task () =>
        {
            await Task.Yield();
            ThrowHere();
        }));
        await Should.ThrowAsync<InvalidDataException>(() => runner.CallAsync(jobs => jobs.Add<Unbuildable>(), "run"));
    }

    [Fact]
    public async Task A_class_is_made_for_each_run_with_its_services_and_disposed_after_it_whatever_happens()
    {
        var log = new List<string>();
        using var runner = new JobRunner(configure: services => services.AddSingleton(log));

        (await runner.CallAsync(jobs => jobs.Add<Disposable>(), "good")).ShouldBe(1);
        await Should.ThrowAsync<IOException>(() => runner.CallAsync(jobs => jobs.Add<Disposable>(), "bad"));
        (await runner.CallAsync(jobs => jobs.Add<AsyncDisposable>(), "slow")).ShouldBeNull();

        log.ShouldBe(["good", "disposed", "bad", "disposed", "slow", "disposed async"]);
    }

    [Fact]
    public async Task A_class_that_is_a_service_comes_from_the_container_which_disposes_it()
    {
        var log = new List<string>();
        var runner = new JobRunner(configure: services => services.AddSingleton(log).AddSingleton<Disposable>());

        (await runner.CallAsync(jobs => jobs.Add<Disposable>(), "good")).ShouldBe(1);
        (await runner.CallAsync(jobs => jobs.Add<Disposable>(), "good")).ShouldBe(2);

        log.ShouldBe(["good", "good"]);
        runner.Dispose();
        log[^1].ShouldBe("disposed");
    }

    [Fact]
    public async Task Methods_of_an_object_and_of_a_base_class_and_of_a_class_with_two_constructors_are_called()
    {
        using var runner = new JobRunner(configure: services => services.AddSingleton("service"));
        var counter = new Counter();
        await runner.CallAsync(counter.Count);
        counter.Value.ShouldBe(1);
        (await runner.CallAsync(jobs => jobs.Add<Derived>(), "inherited")).ShouldBe("Derived");
        (await runner.CallAsync(jobs => jobs.Add<TwoConstructors>(), "which")).ShouldBe("service");
    }

    private static void ThrowHere() => throw new InvalidDataException("here");

    private sealed class Unbuildable
    {
        public Unbuildable() => ThrowHere();

        [Job]
        public void Run() => GC.KeepAlive(this);
    }

    private sealed class Disposable(List<string> log) : IDisposable
    {
        private int _calls;

        [Job]
        public int Good()
        {
            log.Add("good");
            return ++_calls;
        }

        [Job]
        public void Bad()
        {
            log.Add("bad");
            throw new IOException();
        }

        public void Dispose() => log.Add("disposed");
    }

    private sealed class AsyncDisposable(List<string> log) : IAsyncDisposable
    {
        [Job]
        public async Task SlowAsync()
        {
            await Task.Yield();
            log.Add("slow");
        }

        public ValueTask DisposeAsync()
        {
            log.Add("disposed async");
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Counter
    {
        public int Value { get; private set; }

        public void Count() => Value++;
    }

    private class Base
    {
        [Job]
        public string Inherited() => GetType().Name;
    }

    private sealed class Derived : Base;

    private sealed class TwoConstructors
    {
        private readonly string _which;

        public TwoConstructors() => _which = "none";

        public TwoConstructors(string which) => _which = which;

        [Job]
        public string Which() => _which;
    }
}
