using System.Collections.Concurrent;
using System.Text;
using RabbitArq.Messages;
using Shouldly;
using Xunit;

namespace RabbitArq.Conformance.Workers;

public abstract partial class WorkerConformance
{
    [Fact]
    public async Task W4_a_retriable_failure_is_tried_again_after_its_backoff_and_counts_its_attempts()
    {
        var attempts = new ConcurrentQueue<(int Attempt, DateTimeOffset At)>();
        var headers = new EnqueueOptions { Headers = new Dictionary<string, object?> { ["tenant"] = "blue" } };
        var handle = await Client.EnqueueAsync("flaky", headers, "argument");
        var ids = new ConcurrentBag<string>();

        var summary = await BurstAsync(worker =>
        {
            worker.Backoff = Backoff.Linear(TimeSpan.FromMilliseconds(150), jitter: 0);
            worker.Functions.Add("flaky", void (string argument, JobContext context) =>
            {
                ids.Add($"{context.JobId} {argument} {context.Headers["tenant"]}");
                attempts.Enqueue((context.Attempt, TimeProvider.System.GetUtcNow()));
                if (context.Attempt < 3)
                {
                    throw new TimeoutException("slow");
                }
            });
        });

        (summary.Retried, summary.Completed, summary.Failed).ShouldBe((2, 1, 0));
        var runs = attempts.ToArray();
        runs.Select(run => run.Attempt).ShouldBe([1, 2, 3]);
        (runs[1].At - runs[0].At).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(145));
        (runs[2].At - runs[1].At).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(295));
        ids.Distinct().ShouldBe([$"{handle.JobId} argument blue"]);
    }

    [Fact]
    public async Task W4_rules_of_the_job_and_the_worker_decide_what_is_tried_again()
    {
        var runs = new ConcurrentDictionary<string, int>();
        await Client.EnqueueManyAsync([Job("by_default"), Job("by_worker"), Job("by_job"), Job("never"), Job("unknown")], Cancel);

        await BurstAsync(worker =>
        {
            worker.MaxRetries = 1;
            worker.Failures.Retry<InvalidOperationException>().DoNotRetry<IOException>();
            void Fail(string name, Exception failure, Action<JobOptions>? options = null) => worker.Functions.Add(
                name,
                void () =>
                {
                    runs.AddOrUpdate(name, 1, (_, count) => count + 1);
                    throw failure;
                },
                options);
            Fail("by_default", new TimeoutException());
            Fail("by_worker", new ObjectDisposedException("its base class is InvalidOperationException"));
            Fail("by_job", new ArgumentException("try"), options => options.Failures.Retry<ArgumentException>());
            Fail("never", new FileNotFoundException());
            Fail("unknown", new System.Xml.XmlException());
        });

        runs.ShouldBe(new Dictionary<string, int> { ["by_default"] = 2, ["by_worker"] = 2, ["by_job"] = 2, ["never"] = 1, ["unknown"] = 1 }, ignoreOrder: true);
        await DeadLettersAsync(5);
    }

    [Fact]
    public async Task W4_a_retry_that_is_asked_for_waits_as_asked_and_is_dead_lettered_at_the_last_attempt()
    {
        var runs = new ConcurrentQueue<DateTimeOffset>();
        await Client.EnqueueAsync("again", new EnqueueOptions { MaxRetries = 1 });

        var summary = await BurstAsync(worker =>
        {
            worker.RetryBackoff = TimeSpan.FromHours(1);
            worker.Functions.Add("again", void () =>
            {
                runs.Enqueue(TimeProvider.System.GetUtcNow());
                throw new RetryException(TimeSpan.FromMilliseconds(200), "not ready");
            });
        });

        runs.Count.ShouldBe(2);
        (runs.Last() - runs.First()).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(195));
        (summary.Retried, summary.Failed, summary.Completed).ShouldBe((1, 1, 0));
        var letter = await DeadLetterAsync();
        HeaderOf(letter, "x-error-type").ShouldBe("MaxRetriesExceeded");
        HeaderOf(letter, "x-error-cause").ShouldBe("Retry");
        HeaderOf(letter, "x-error-category").ShouldBe("retriable");
        HeaderOf(letter, "x-error-message").ShouldContain("not ready");
        HeaderOf(letter, "x-attempts").ShouldBe("2");
        HeaderOf(letter, "x-retry-count").ShouldBe("1");
    }

    [Fact]
    public async Task W4_a_retried_message_counts_in_its_header_and_keeps_its_properties_without_traces_of_the_broker()
    {
        await SendRawAsync(new BrokerMessage
        {
            Body = """{"job_id":"a1","function":"flaky","args":[1],"kwargs":{},"job_try":1,"extra":{"kept":[1,2]}}"""u8.ToArray(),
            ContentType = "application/json",
            MessageId = "a1",
            CorrelationId = "conversation",
            ReplyTo = "answers",
            AppId = "foreign",
            Headers = new Dictionary<string, object?> { ["x-retry-count"] = 0L, ["trace"] = "t1" },
        });

        await BurstAsync(worker => worker.Functions.Add("flaky", void (int number, JobContext context) =>
        {
            throw context.Attempt < 3 ? new IOException("busy") : new ArgumentException("enough");
        }));

        var letter = await DeadLetterAsync();
        HeaderOf(letter, "x-retry-count").ShouldBe("2");
        HeaderOf(letter, "trace").ShouldBe("t1");
        letter.Headers.Keys.ShouldNotContain(name => name.StartsWith("x-death", StringComparison.Ordinal) || name.Contains("-death-"));
        letter.Headers.Keys.ShouldNotContain("x-delay");
        (letter.MessageId, letter.CorrelationId, letter.ReplyTo, letter.AppId).ShouldBe(("a1", "conversation", "answers", "foreign"));
        var body = Encoding.UTF8.GetString(letter.Body.Span);
        body.ShouldContain("""
            "extra":{"kept":[1,2]}
            """);
        body.ShouldContain("\"job_try\":3");
    }

    [Fact]
    public async Task W5_a_dead_letter_keeps_body_and_properties_and_says_why_in_its_headers()
    {
        const string Body = """{ "job_id" : "b2",  "function":"break", "args":["x"], "kwargs":{}, "job_try":1 }""";
        var sent = new BrokerMessage
        {
            Body = Encoding.UTF8.GetBytes(Body),
            ContentType = "application/json",
            MessageId = "b2",
            Type = "a type",
            CorrelationId = "c",
            ReplyTo = "r",
            AppId = "app",
            Headers = new Dictionary<string, object?> { ["tenant"] = "blue", ["n"] = 5L },
        };
        await SendRawAsync(sent);
        var before = TimeProvider.System.GetUtcNow().AddSeconds(-1);

        await BurstAsync(worker =>
        {
            worker.WorkerName = "w";
            worker.Functions.Add("break", void (string argument) => throw new ArgumentException("what a " + argument));
        });

        var letter = await DeadLetterAsync();
        Encoding.UTF8.GetString(letter.Body.Span).ShouldBe(Body);
        (letter.MessageId, letter.Type, letter.CorrelationId, letter.ReplyTo, letter.AppId, letter.ContentType)
            .ShouldBe(("b2", "a type", "c", "r", "app", "application/json"));
        letter.Persistent.ShouldBeTrue();
        HeaderOf(letter, "tenant").ShouldBe("blue");
        letter.Headers["n"].ShouldBe(5L);
        HeaderOf(letter, "x-error-type").ShouldBe("ArgumentException");
        HeaderOf(letter, "x-error-message").ShouldBe("what a x");
        HeaderOf(letter, "x-error-category").ShouldBe("non_retriable");
        HeaderOf(letter, "x-error-stack").ShouldContain(nameof(W5_a_dead_letter_keeps_body_and_properties_and_says_why_in_its_headers));
        HeaderOf(letter, "x-job-id").ShouldBe("b2");
        HeaderOf(letter, "x-attempts").ShouldBe("1");
        HeaderOf(letter, "x-worker-id").ShouldStartWith("w-");
        HeaderOf(letter, "x-first-queue").ShouldBe(Queue);
        DateTimeOffset.Parse(HeaderOf(letter, "x-failed-at"), null).ShouldBeInRange(before, TimeProvider.System.GetUtcNow());
    }

    [Fact]
    public async Task W5_unreadable_messages_are_dead_lettered_at_once_with_their_bytes_and_a_reason()
    {
        (byte[] Body, string? ContentType, string Reason)[] unreadable =
        [
            ("this is no JSON"u8.ToArray(), "application/json", "is an invalid"),
            ([], "application/json", "JSON"),
            ([0, 255, 254, 1], null, "invalid"),
            ("[1]"u8.ToArray(), "application/json", "JSON"),
            ("""{"function":"f"}"""u8.ToArray(), "application/json", "job_id"),
            ("""{"job_id":"1","function":7}"""u8.ToArray(), "application/json", "function"),
            ("""{"job_id":"1","function":"f","job_try":0}"""u8.ToArray(), "application/json", "job_try"),
            ("""{"job_id":"1","function":"f","expires":"0001-01-01T00:00:00"}"""u8.ToArray(), "image/png", "image/png"),
            ("""{"job_id":"1","function":"f","expires":"tomorrow"}"""u8.ToArray(), "application/json", "tomorrow"),
            ("""{"job_id":"1","function":"f","timeout":1e999}"""u8.ToArray(), "application/json", "timeout"),
        ];
        foreach (var (body, contentType, _) in unreadable)
        {
            await SendRawAsync(new BrokerMessage { Body = body, ContentType = contentType, MessageId = "m" });
        }

        await Client.EnqueueAsync("f");
        var runs = 0;

        var summary = await BurstAsync(worker => worker.Functions.Add("f", () => Interlocked.Increment(ref runs)));

        runs.ShouldBe(1);
        (summary.Completed, summary.Failed).ShouldBe((1, unreadable.Length));
        var letters = await DeadLettersAsync(unreadable.Length);
        foreach (var (body, _, reason) in unreadable)
        {
            var letter = letters.Single(letter => letter.Body.Span.SequenceEqual(body));
            HeaderOf(letter, "x-error-type").ShouldBe("UnreadableMessage");
            HeaderOf(letter, "x-error-message").ShouldContain(reason);
            HeaderOf(letter, "x-error-category").ShouldBe("non_retriable");
            HeaderOf(letter, "x-job-id").ShouldBe("m");
        }
    }

    [Fact]
    public async Task W5_an_unknown_job_name_is_dead_lettered_at_once_and_the_known_names_are_told()
    {
        await Client.EnqueueAsync("nobody_knows_it");

        (await BurstAsync(worker => worker.Functions.Add("known_job", () => { }))).Failed.ShouldBe(1);

        var letter = await DeadLetterAsync();
        HeaderOf(letter, "x-error-type").ShouldBe("UnknownJob");
        HeaderOf(letter, "x-error-message").ShouldContain("nobody_knows_it");
        HeaderOf(letter, "x-error-message").ShouldContain("known_job");
    }

    [Fact]
    public async Task W5_arguments_that_do_not_bind_are_dead_lettered_and_the_parameter_and_the_type_of_the_value_are_named()
    {
        await Client.EnqueueManyAsync([Job("take", "seven", true), Job("take", 7), Job("take", 1, true, 3)], Cancel);
        var runs = 0;

        (await BurstAsync(worker => worker.Functions.Add("take", (int number, bool flag) => Interlocked.Increment(ref runs)))).Failed.ShouldBe(3);

        runs.ShouldBe(0);
        var letters = await DeadLettersAsync(3);
        letters.ShouldAllBe(letter => HeaderOf(letter, "x-error-type") == "ArgumentBinding");
        var messages = letters.Select(letter => HeaderOf(letter, "x-error-message")).ToList();
        messages.ShouldContain(message => message.Contains("'number'") && message.Contains("Int32") && message.Contains("string"));
        messages.ShouldContain(message => message.Contains("'flag'") && message.Contains("Boolean"));
        messages.ShouldContain(message => message.Contains("3 ") && message.Contains("number, flag"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task W5_a_result_that_is_no_JSON_is_dead_lettered_whereResults_are_stored_and_no_matter_where_not(bool stored)
    {
        var runs = 0;
        await Client.EnqueueAsync("handle");

        var summary = await BurstAsync(worker =>
        {
            if (stored)
            {
                StoreResults(worker);
            }
            else
            {
                worker.EnableResultStorage = false;
            }

            worker.Functions.Add("handle", Func<object> () =>
            {
                Interlocked.Increment(ref runs);
                return () => new object();
            });
        });

        runs.ShouldBe(1);
        (summary.Completed, summary.Failed).ShouldBe(stored ? (0, 1) : (1, 0));
        if (stored)
        {
            HeaderOf(await DeadLetterAsync(), "x-error-type").ShouldBe("ResultNotSerializable");
        }
    }

    [Fact]
    public async Task W5_a_missing_dead_letter_queue_is_declared_again_and_nothing_is_lost()
    {
        await DeclareAsync();
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = Start(worker => worker.Functions.Add("break", async Task () =>
        {
            running.TrySetResult();
            await go.Task;
            throw new ArgumentException("broken");
        }));
        await Client.EnqueueAsync("break");
        await running.Task.Within();
        await Broker.Topology.DeleteQueueAsync(Queue + ".dlq", Cancel).Within();

        go.SetResult();

        await Deadline.Until(() => WaitingAsync(Queue + ".dlq"), count => count == 1);
        HeaderOf(await DeadLetterAsync(), "x-error-message").ShouldBe("broken");
        (await worker.StopAsync()).Failed.ShouldBe(1);
    }

    [Fact]
    public async Task W13_an_expired_job_is_not_run_and_is_recorded_as_expired()
    {
        var ran = new ConcurrentQueue<string>();
        var late = await Client.EnqueueAsync("run", new EnqueueOptions { Expires = TimeSpan.FromMilliseconds(1) }, "late");
        await Client.EnqueueAsync("run", new EnqueueOptions { Expires = Timeout.InfiniteTimeSpan }, "never expires");
        await Client.EnqueueAsync("run", "in time");
        var expired = TimeProvider.System.GetUtcNow().AddMilliseconds(2);
        await Deadline.Until(() => Task.FromResult(TimeProvider.System.GetUtcNow()), now => now > expired);

        var summary = await BurstAsync(worker =>
        {
            StoreResults(worker);
            worker.Functions.Add("run", (string name) => ran.Enqueue(name));
        });

        ran.ShouldBe(["never expires", "in time"], ignoreOrder: true);
        (summary.Completed, summary.Expired, summary.Failed).ShouldBe((2, 1, 0));
        (await Results.FindAsync(late.JobId, Cancel)).ShouldNotBeNull().Status.ShouldBe(RabbitArq.Results.JobStatus.Expired);
        Log.Lines.ShouldContain(line => line.Id.Name == "JobExpired" && line.Text.Contains(late.JobId));
    }
}
