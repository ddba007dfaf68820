using System.Net.Sockets;
using RabbitArq.Execution;
using RabbitArq.Localization;
using RabbitArq.Retries;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Retries;

public sealed class RetriesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Backoff_grows_as_its_name_says_up_to_its_cap()
    {
        Waits(Backoff.Exponential(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(60), jitter: 0)).ShouldBe([5, 10, 20, 40, 60, 60]);
        Waits(Backoff.Linear(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(22), jitter: 0)).ShouldBe([5, 10, 15, 20, 22, 22]);
        Waits(Backoff.Constant(TimeSpan.FromSeconds(5))).ShouldBe([5, 5, 5, 5, 5, 5]);
        Waits(Backoff.Custom(attempt => TimeSpan.FromSeconds(attempt == 2 ? -5 : 7))).ShouldBe([7, 0, 7, 7, 7, 7]);
        Backoff.Exponential(TimeSpan.FromSeconds(5), TimeSpan.MaxValue, jitter: 0.5).DelayAfter(5000, new Random(1)).ShouldBe(TimeSpan.MaxValue);
    }

    [Fact]
    public void Jitter_only_adds_and_no_more_than_its_part()
    {
        var random = new Random(1);
        var backoff = Backoff.Constant(TimeSpan.FromSeconds(10), jitter: 0.1);
        var waits = Enumerable.Range(0, 200).Select(_ => backoff.DelayAfter(1, random)).ToList();

        waits.ShouldAllBe(wait => wait >= TimeSpan.FromSeconds(10) && wait <= TimeSpan.FromSeconds(11));
        waits.Distinct().Count().ShouldBeGreaterThan(100);
    }

    [Fact]
    public void A_backoff_that_cannot_be_is_refused()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => Backoff.Linear(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(-1)));
        Should.Throw<ArgumentOutOfRangeException>(() => Backoff.Linear(TimeSpan.FromSeconds(1), jitter: -1));
        Should.Throw<ArgumentNullException>(() => Backoff.Custom(null!));
    }

    [Fact]
    public void The_rule_of_the_nearest_base_class_wins_and_of_one_class_the_last()
    {
        var rules = new FailureRules().Retry<IOException>().DoNotRetry<FileNotFoundException>().Retry<Exception>().DoNotRetry<Exception>();

        rules.Classify(new EndOfStreamException()).ShouldBe(FailureCategory.Retriable);
        rules.Classify(new FileNotFoundException()).ShouldBe(FailureCategory.NonRetriable);
        rules.Classify(new InvalidOperationException()).ShouldBe(FailureCategory.NonRetriable);
        new FailureRules().Classify(new IOException()).ShouldBe(FailureCategory.Unknown);
        Should.Throw<ArgumentException>(() => rules.Set(typeof(string), FailureCategory.Retriable)).Message.ShouldContain("System.String");
    }

    [Fact]
    public void The_default_rules_know_the_classes_that_the_documentation_names()
    {
        var rules = DefaultFailureRules.Create();
        Exception[] retriable = [new TimeoutException(), new IOException(), new SocketException(), new HttpRequestException(), new RetryException(), new TaskCanceledException()];
        Exception[] not =
        [
            new ArgumentNullException(), new FormatException(), new InvalidCastException(), new KeyNotFoundException(),
            new MissingMethodException(), new UnauthorizedAccessException(), new NotSupportedException(), new System.Text.Json.JsonException(),
            new DivideByZeroException(), new UnknownJobException("x", []), new ObjectDisposedException("x"),
        ];

        retriable.ShouldAllBe(failure => rules.Classify(failure) == FailureCategory.Retriable);
        not[..^1].ShouldAllBe(failure => rules.Classify(failure) == FailureCategory.NonRetriable);
        rules.Classify(not[^1]).ShouldBe(FailureCategory.Unknown);
        rules.Retry<ArgumentException>().Classify(new ArgumentNullException()).ShouldBe(FailureCategory.Retriable);
    }

    [Fact]
    public void A_retriable_failure_waits_its_backoff_until_the_retries_are_used_up()
    {
        var policy = Policy();
        var failure = new IOException("busy");

        Decide(policy, failure, attempt: 1).ShouldBe(new RetryDecision(Now.AddSeconds(5), failure, FailureCategory.Retriable));
        Decide(policy, failure, attempt: 3).RetryAt.ShouldBe(Now.AddSeconds(20));
        var last = Decide(policy, failure, attempt: 4);
        last.RetryAt.ShouldBeNull();
        var exceeded = last.Error.ShouldBeOfType<MaxRetriesExceededException>();
        (exceeded.Attempts, exceeded.InnerException).ShouldBe((4, failure));
        Decide(policy, failure, attempt: 1, maxRetries: 0).RetryAt.ShouldBeNull();
    }

    [Fact]
    public void What_is_not_retriable_or_not_known_dies_at_once_unless_a_setting_says_otherwise()
    {
        Decide(Policy(), new ArgumentException("x")).RetryAt.ShouldBeNull();
        Decide(Policy(), new ArgumentException("x")).Error.ShouldBeOfType<ArgumentException>();
        Decide(Policy(), new InvalidOperationException()).ShouldSatisfyAllConditions(
            decision => decision.RetryAt.ShouldBeNull(), decision => decision.Category.ShouldBe(FailureCategory.Unknown));
        Decide(Policy(retryUnknown: true), new InvalidOperationException()).RetryAt.ShouldNotBeNull();
        Decide(Policy(retryUnknown: true), new ArgumentException("x")).RetryAt.ShouldBeNull();
    }

    [Fact]
    public void The_rules_and_backoff_of_the_job_come_first()
    {
        var own = new FailureRules().Retry<ArgumentException>().DoNotRetry<IOException>();
        var backoff = Backoff.Constant(TimeSpan.FromSeconds(1));

        Decide(Policy(), new ArgumentException("x"), rules: own, backoff: backoff).RetryAt.ShouldBe(Now.AddSeconds(1));
        Decide(Policy(), new EndOfStreamException(), rules: own).RetryAt.ShouldBeNull();
        Decide(Policy(), new TimeoutException(), rules: own).RetryAt.ShouldBe(Now.AddSeconds(5));
    }

    [Fact]
    public void A_retry_that_is_asked_for_waits_as_long_as_asked()
    {
        Decide(Policy(), new RetryException(TimeSpan.FromMinutes(2))).RetryAt.ShouldBe(Now.AddMinutes(2));
        Decide(Policy(), new RetryException(TimeSpan.FromMinutes(-2))).RetryAt.ShouldBe(Now);
        Decide(Policy(), new RetryException()).RetryAt.ShouldBe(Now.AddSeconds(5));
        Decide(Policy(), new RetryException(TimeSpan.MaxValue)).RetryAt.ShouldBe(DateTimeOffset.MaxValue);
        Decide(Policy(), new RetryException(TimeSpan.Zero), attempt: 4).Error.ShouldBeOfType<MaxRetriesExceededException>();
    }

    [Fact]
    public void A_dead_letter_names_the_failure_its_cause_and_a_bounded_stack()
    {
        Language.SetForFlow("en");
        var deep = Should.Throw<InvalidOperationException>(() => Deep(400));

        var reason = DeadLetterReason.Of(new MaxRetriesExceededException(3, deep), FailureCategory.Retriable);

        (reason.ErrorType, reason.CauseType, reason.Category).ShouldBe(("MaxRetriesExceeded", "InvalidOperationException", FailureCategory.Retriable));
        reason.Message.Length.ShouldBe(DeadLetterReason.MaxMessageLength);
        reason.Stack.ShouldNotBeNull().Length.ShouldBe(DeadLetterReason.MaxStackLength);
        DeadLetterReason.Of(new IOException("x"), FailureCategory.Retriable).ShouldSatisfyAllConditions(
            plain => plain.Stack.ShouldBeNull(), plain => plain.CauseType.ShouldBeNull(), plain => plain.ErrorType.ShouldBe("IOException"));
    }

    private static void Deep(int depth)
    {
        if (depth == 0)
        {
            throw new InvalidOperationException(new string('x', 5000));
        }

        Deep(depth - 1);
        GC.KeepAlive(depth);
    }

    private static IEnumerable<double> Waits(Backoff backoff) =>
        Enumerable.Range(1, 6).Select(attempt => backoff.DelayAfter(attempt, new Random(1)).TotalSeconds);

    private static RetryPolicy Policy(bool retryUnknown = false) =>
        new(DefaultFailureRules.Create(), Backoff.Exponential(TimeSpan.FromSeconds(5), jitter: 0), retryUnknown, new Random(1));

    private static RetryDecision Decide(
        RetryPolicy policy, Exception failure, int attempt = 1, int maxRetries = 3, FailureRules? rules = null, Backoff? backoff = null) =>
        policy.Decide(failure, attempt, maxRetries, rules, backoff, Now);
}
