using System.Collections.Concurrent;
using RabbitArq.Execution;
using RabbitArq.Tests.Support;
using RabbitArq.Workers;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Workers;

public sealed class JobGateTests
{
    private readonly FakeTime _time = new();
    private readonly ConcurrentQueue<PreparedJob> _resumed = new();

    [Fact]
    public void No_more_are_in_than_allowed_and_who_waits_goes_in_order()
    {
        using var gate = new JobGate(2, null, _time);
        var jobs = Jobs(5);

        jobs.Select(job => gate.TryEnter(job, _resumed.Enqueue)).ShouldBe([true, true, false, false, false]);
        gate.Exit();
        _resumed.ShouldBe([jobs[2]]);
        gate.Exit();
        gate.Exit();
        _resumed.ShouldBe(jobs[2..]);
    }

    [Fact]
    public void Starts_are_no_closer_than_the_rate_allows()
    {
        using var gate = new JobGate(null, 4, _time);
        var jobs = Jobs(4);

        gate.TryEnter(jobs[0], _resumed.Enqueue).ShouldBeTrue();
        jobs[1..].Select(job => gate.TryEnter(job, _resumed.Enqueue)).ShouldAllBe(entered => !entered);
        _time.Advance(TimeSpan.FromMilliseconds(249));
        _resumed.ShouldBeEmpty();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _resumed.ShouldBe([jobs[1]]);
        _time.Advance(TimeSpan.FromSeconds(1));
        _resumed.ShouldBe(jobs[1..]);
    }

    [Fact]
    public void A_rate_leaves_no_credit_behind_and_needs_nobody_to_leave()
    {
        using var gate = new JobGate(1, 1, _time);
        var jobs = Jobs(3);
        _time.Advance(TimeSpan.FromHours(1));

        gate.TryEnter(jobs[0], _resumed.Enqueue).ShouldBeTrue();
        gate.TryEnter(jobs[1], _resumed.Enqueue).ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(10));
        _resumed.ShouldBeEmpty();
        gate.Exit();
        _resumed.ShouldBe([jobs[1]]);
        gate.Exit();
        gate.TryEnter(jobs[2], _resumed.Enqueue).ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(1));
        _resumed.Count.ShouldBe(2);
    }

    [Fact]
    public void What_waits_can_be_taken_back_newest_first_and_only_ones_own()
    {
        using var gate = new JobGate(1, null, _time);
        var (mine, others) = (Jobs(4), Jobs(2));
        Action<PreparedJob> resume = _resumed.Enqueue;
        Action<PreparedJob> otherResume = _ => { };
        gate.TryEnter(Jobs(1)[0], resume);
        gate.TryEnter(mine[0], resume);
        gate.TryEnter(others[0], otherResume);
        gate.TryEnter(mine[1], resume);
        gate.TryEnter(mine[2], resume);
        gate.TryEnter(others[1], otherResume);
        gate.TryEnter(mine[3], resume);

        gate.TakeParked(resume, keep: 2).ShouldBe(mine[2..]);
        gate.TakeParked(resume, keep: 2).ShouldBeEmpty();
        gate.TakeParked(resume, keep: 0).ShouldBe(mine[..2]);
        gate.TakeParked(otherResume, keep: 0).ShouldBe(others);
    }

    [Fact]
    public void A_rate_of_one_in_hours_is_waited_for()
    {
        using var gate = new JobGate(null, 0.0001, _time);
        var jobs = Jobs(2);
        gate.TryEnter(jobs[0], _resumed.Enqueue);
        gate.TryEnter(jobs[1], _resumed.Enqueue);
        _time.Advance(TimeSpan.FromSeconds(9999));
        _resumed.ShouldBeEmpty();
        _time.Advance(TimeSpan.FromSeconds(1));
        _resumed.Count.ShouldBe(1);
    }

    private static PreparedJob[] Jobs(int count) => [.. Enumerable.Range(0, count).Select(n => new PreparedJob(
        new FakeDelivery { Message = new() { Body = default, MessageId = $"{n}" }, QueueName = "q" }, null, null, null))];
}
