using System.Collections.Concurrent;
using RabbitArq.Brokers;
using RabbitArq.Messages;
using RabbitArq.Routing;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

public abstract partial class WorkerConformance
{
    [Fact]
    public async Task J3_a_job_keeps_the_id_it_is_given_and_goes_to_the_queue_it_names()
    {
        var other = Fixture.QueueName("other");
        string? id = null;

        var handle = await Client.EnqueueAsync("tell", new EnqueueOptions { JobId = "order-17", QueueName = other });

        handle.JobId.ShouldBe("order-17");
        await BurstAsync(worker =>
        {
            worker.QueueName = other;
            worker.Functions.Add("tell", (JobContext context) => id = context.JobId);
        });
        id.ShouldBe("order-17");
    }

    [Fact]
    public async Task J3_a_deferred_job_runs_when_it_is_due_and_not_before()
    {
        var ran = new ConcurrentDictionary<string, DateTimeOffset>();
        var now = TimeProvider.System.GetUtcNow();
        var until = now.AddSeconds(1).ToOffset(TimeSpan.FromHours(8));
        await Client.EnqueueAsync("at", new EnqueueOptions { DeferBy = TimeSpan.FromSeconds(0.5) }, "by");
        await Client.EnqueueAsync("at", new EnqueueOptions { DeferUntil = until }, "until");
        await Client.EnqueueAsync("at", new EnqueueOptions { DeferUntil = now.AddDays(-1) }, "past");

        await using var worker = Start(worker => worker.Functions.Add("at", (string name) =>
        {
            ran[name] = TimeProvider.System.GetUtcNow();
        }));
        await Deadline.Until(() => Task.FromResult(ran.Count), count => count == 3);

        ran["past"].ShouldBeLessThan(ran["until"]);
        ran["by"].ShouldBeGreaterThanOrEqualTo(now.AddSeconds(0.5).AddMilliseconds(-5));
        ran["until"].ShouldBeGreaterThanOrEqualTo(until.AddMilliseconds(-5));
        ran["until"].ShouldBeLessThan(until.AddSeconds(20));
    }

    [Fact]
    public async Task J3_options_that_cannot_be_are_refused_before_anything_is_sent()
    {
        EnqueueOptions[] wrong =
        [
            new() { DeferBy = TimeSpan.FromSeconds(1), DeferUntil = TimeProvider.System.GetUtcNow() },
            new() { Attempt = 0 },
            new() { MaxRetries = -1 },
            new() { Timeout = TimeSpan.Zero },
            new() { Expires = TimeSpan.Zero },
        ];

        foreach (var options in wrong)
        {
            await Should.ThrowAsync<ArgumentException>(() => Client.EnqueueAsync("any", options));
        }

        (await Should.ThrowAsync<ArgumentNotSerializableException>(() => Client.EnqueueAsync("any", 1, new Action(() => { })))).Argument.ShouldBe("1");
        (await Broker.Inspector.FindQueueAsync(Queue, Cancel))?.MessagesReady.ShouldBe(0);
    }

    [Fact]
    public async Task J3_retries_timeout_and_attempt_of_one_enqueue_win_over_those_of_the_job()
    {
        var attempts = new ConcurrentQueue<int>();
        await Client.EnqueueAsync("fail", new EnqueueOptions { MaxRetries = 1, Attempt = 1 });

        var summary = await BurstAsync(worker => worker.Functions.Add("fail", void (JobContext context) =>
        {
            attempts.Enqueue(context.Attempt);
            throw new IOException("no");
        }, options => options.MaxRetries = 9));

        attempts.ShouldBe([1, 2]);
        summary.Failed.ShouldBe(1);
    }

    [Fact]
    public async Task J3_a_higher_priority_goes_first_where_the_broker_knows_priorities()
    {
        Assert.SkipUnless(
            Broker.Capabilities.PriorityQueueTypes.Contains(Fixture.QueueType), "Declared: priorities have no effect on this broker's queues of this type.");
        var queue = Fixture.QueueName("priorities");
        await using var client = await JobClient.ConnectAsync(
            Fixture.Url,
            settings =>
            {
                settings.QueueName = queue;
                settings.QueueType = Fixture.QueueType;
                settings.QueueMaxPriority = 5;
            },
            cancellationToken: Cancel);
        var order = new ConcurrentQueue<int>();
        foreach (var priority in new byte[] { 0, 0, 5, 0, 5 })
        {
            await client.EnqueueAsync("note", new EnqueueOptions { Priority = priority }, (int)priority);
        }

        await BurstAsync(worker =>
        {
            worker.QueueName = queue;
            worker.MaxConcurrentJobs = 1;
            worker.PrefetchCount = 1;
            worker.Functions.Add("note", (int priority) => order.Enqueue(priority));
        });

        // Quorum queues of RabbitMQ serve high and normal in a ratio, so only the first is certain there.
        order.Count.ShouldBe(5);
        order.First().ShouldBe(5);
    }

    [Fact]
    public async Task J4_a_batch_reports_each_job_confirmed_or_failed_and_why()
    {
        await DeclareAsync();
        var full = Fixture.QueueName("full");
        await Broker.Topology.ApplyAsync(
            new TopologyPlan { Queues = [new QueueSpec(full) { Type = Fixture.QueueType, MaxLength = 1, RejectPublishWhenFull = true }] }, Cancel);
        var toFull = new EnqueueOptions { QueueName = full };

        // A quorum queue takes some more than its limit before it tells the publisher's channel that it is full.
        await Deadline.Until(
            async () => (await Client.EnqueueManyAsync([Job("fill") with { Options = toFull }], Cancel)).Items[0].Error, error => error is not null);
        JobRequest[] jobs =
        [
            Job("one", 1),
            Job("two", new Action(() => { })),
            Job("three") with { Options = new EnqueueOptions { JobId = "third" } },
            Job("four") with { Options = new EnqueueOptions { MaxRetries = -4 } },
            .. Enumerable.Range(0, 10).Select(_ => Job("refused") with { Options = toFull }),
            Job("last"),
        ];

        var report = await Client.EnqueueManyAsync(jobs, Cancel).Within();

        report.Items.Count.ShouldBe(jobs.Length);
        report.Items.Select(item => item.Request).ShouldBe(jobs);
        report.Items[0].Handle.ShouldNotBeNull();
        report.Items[1].Error.ShouldBeOfType<ArgumentNotSerializableException>();
        report.Items[1].Handle.ShouldBeNull();
        report.Items[2].Handle.ShouldNotBeNull().JobId.ShouldBe("third");
        report.Items[3].Error.ShouldBeAssignableTo<ArgumentException>();
        report.Items[^1].Error.ShouldBeNull();

        var refused = report.Items.Where(item => item.Request.Function == "refused").ToList();
        refused.ShouldContain(item => item.Error is PublishRefusedException);
        refused.ShouldAllBe(item => item.Error == null || item.Error is PublishRefusedException);
        report.Confirmed.ShouldBe(3 + refused.Count(item => item.Error is null));
        Should.Throw<AggregateException>(report.ThrowIfAnyFailed).InnerExceptions.Count.ShouldBe(report.Failed);
        await Deadline.Until(() => WaitingAsync(), count => count == 3);
    }

    [Fact]
    public async Task J5_a_job_for_a_queue_that_is_missing_is_an_error_that_names_it()
    {
        var missing = Fixture.QueueName("missing");
        await using var client = await JobClient.ConnectAsync(
            Fixture.Url,
            settings =>
            {
                settings.QueueName = missing;
                settings.DeclareQueues = false;
            },
            cancellationToken: Cancel);

        var failure = await Should.ThrowAsync<UnroutableException>(() => client.EnqueueAsync("any").Within());

        failure.Message.ShouldContain(missing);
        failure.MayHaveArrived.ShouldBeFalse();
        failure.Request.Message.MessageId.ShouldNotBeNull().ShouldMatch("^[0-9a-f]{32}$");
    }

    [Fact]
    public async Task J5_a_queue_that_was_deleted_is_declared_again_by_the_enqueue_after_the_one_that_failed()
    {
        await Client.EnqueueAsync("any");
        await Broker.Topology.DeleteQueueAsync(Queue, Cancel).Within();

        await Should.ThrowAsync<UnroutableException>(() => Client.EnqueueAsync("any").Within());
        await Client.EnqueueAsync("any").Within();

        await Deadline.Until(() => WaitingAsync(), count => count == 1);
    }

    [Fact]
    public async Task J8_arguments_of_every_kind_of_json_arrive_as_they_were()
    {
        object?[] got = [];
        await Client.EnqueueAsync(
            "take", 5, -1.5, "“ünïcode” 中文 \u0001", true, null, new[] { 1, 2 }, new Dictionary<string, string> { ["k"] = "v" }, Guid.Empty, DayOfWeek.Friday,
            new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(8)));

        var summary = await BurstAsync(worker => worker.Functions.Add(
            "take",
            (long a, double b, string c, bool d, string? e, List<int> f, Dictionary<string, string> g, Guid h, DayOfWeek i, DateTimeOffset j) =>
            {
                got = [a, b, c, d, e, f.Sum(), g["k"], h, i, j];
            }));

        summary.Completed.ShouldBe(1);
        got.ShouldBe(
        [
            5L, -1.5, "“ünïcode” 中文 \u0001", true, null, 3, "v", Guid.Empty, DayOfWeek.Friday, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(8)),
        ]);
    }
}
