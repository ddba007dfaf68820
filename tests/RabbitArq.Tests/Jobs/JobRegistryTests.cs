using Microsoft.Extensions.DependencyInjection;
using RabbitArq.Jobs;
using RabbitArq.Localization;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Jobs;

public sealed class JobRegistryTests : IDisposable
{
    private readonly JobRunner _runner = new();

    public JobRegistryTests() => Language.SetForFlow("en");

    public void Dispose() => _runner.Dispose();

    [Fact]
    public void Names_come_from_the_code_the_attribute_or_the_method_in_this_order()
    {
        static void LocalJobAsync()
        {
        }

        var registry = _runner.Registry(jobs => jobs.Add<Documented>().Add("given", Documented.Named).Add(LocalJobAsync).Add([Job("attributed")] () => { }));

        registry.Names.ShouldBe(["plain_job", "its-name", "given", "local_job", "attributed"], ignoreOrder: true);
        registry.Resolve("plain_job").Options.MaxRetries.ShouldBeNull();
        var options = registry.Resolve("its-name").Options;
        (options.MaxRetries, options.Timeout, options.MaxConcurrentJobs, options.MaxPerSecond).ShouldBe((0, TimeSpan.FromSeconds(1.5), 2, 0.5));
        options.Failures.Classify(new ArgumentNullException()).ShouldBe(FailureCategoryOf(retriable: true));
        options.Failures.Classify(new FileNotFoundException()).ShouldBe(FailureCategoryOf(retriable: false));
    }

    [Fact]
    public void Options_in_code_win_over_the_attribute()
    {
        var options = _runner.Registry(jobs => jobs.Add(Documented.Named, o =>
        {
            o.MaxRetries = 9;
            o.Failures.DoNotRetry<ArgumentException>();
        })).Resolve("its-name").Options;

        (options.MaxRetries, options.MaxConcurrentJobs).ShouldBe((9, 2));
        options.Failures.Classify(new ArgumentException()).ShouldBe(FailureCategoryOf(retriable: false));
    }

    [Fact]
    public void Every_mistake_of_every_job_is_found_at_once_and_names_method_and_parameter()
    {
        var errors = _runner.Errors(jobs => jobs
            .Add("twice", () => { })
            .Add("twice", Documented.Plain)
            .Add(() => { })
            .Add("", () => { })
            .Add("generic", Wrong.Generic<int>)
            .Add(Wrong.Void)
            .Add("by_ref", (ref int number) => { number = 1; })
            .Add("out", (out int number) => { number = 1; })
            .Add("callback", (Action callback) => { })
            .Add("span", (ReadOnlySpan<char> text) => { })
            .Add("service", (IFormatProvider provider, IDisposable missing) => { })
            .Add("abstract", (Stream stream) => { })
            .Add("ranges", () => { }, options =>
            {
                options.MaxRetries = -1;
                options.Timeout = TimeSpan.Zero;
                options.MaxConcurrentJobs = 0;
                options.MaxPerSecond = double.NaN;
            })
            .Add("too_long", () => { }, options => options.Timeout = TimeSpan.FromDays(50))
            .Add<object>()
            .Add<Unmakeable>()
            .Add<NeedsService>()
            .Add("bound", "text".Repeat));

        Expect(errors,
            ["'twice'", "Functions.Add(\"twice\", …)", "Documented.Plain"],
            ["has no name"],
            ["empty name"],
            ["Wrong.Void", "async void"],
            ["by_ref", "'number'", "by reference"],
            ["\"out\"", "'number'", "by reference"],
            ["callback", "'callback'", "delegate"],
            ["span", "'text'", "ref struct"],
            ["service", "'provider'", "IFormatProvider"],
            ["service", "'missing'", "IDisposable"],
            ["abstract", "'stream'", "Stream"],
            ["MaxRetries", "'ranges'", "-1"],
            ["Timeout", "'ranges'", "00:00:00"],
            ["MaxConcurrentJobs", "'ranges'", "0"],
            ["MaxPerSecond", "'ranges'", "NaN"],
            ["Timeout", "'too_long'", "50.00:00:00"],
            ["System.Object", "[Job]"],
            ["Unmakeable.Run", "no public constructor"],
            ["NeedsService.Run", "IFormatProvider"],
            ["Repeat", "extension method"]);
    }

    [Fact]
    public void Generic_methods_and_pointers_are_mistakes()
    {
        var errors = _runner.Errors(jobs => jobs.Add(typeof(WrongClass)));

        Expect(errors, ["WrongClass.Open", "generic"], ["WrongClass.Point", "'place'", "pointer"]);
    }

    [Fact]
    public void The_exception_lists_every_mistake_in_its_message()
    {
        var failure = Should.Throw<InvalidSettingsException>(() => _runner.Registry(jobs => jobs.Add("a", (Action b) => { }).Add("c", (ref int d) => d++)));

        failure.Errors.Count.ShouldBe(2);
        failure.Errors.ShouldAllBe(error => failure.Message.Contains(error, StringComparison.Ordinal));
    }

    [Fact]
    public void An_unknown_name_is_an_error_that_lists_the_known_ones()
    {
        var registry = _runner.Registry(jobs => jobs.Add("b", () => { }).Add("a", () => { }));

        var failure = Should.Throw<UnknownJobException>(() => registry.Resolve("c"));

        failure.Function.ShouldBe("c");
        failure.Message.ShouldContain("a, b");
        registry.Find("c").ShouldBeNull();
    }

    [Fact]
    public void A_registered_service_is_injected_and_a_sequence_or_an_interface_with_known_types_is_an_argument()
    {
        using var runner = new JobRunner(configure: services => services.AddSingleton<IFormatProvider>(System.Globalization.CultureInfo.InvariantCulture));

        var job = runner.Registry(jobs => jobs.Add("job", (
            JobContext context, IFormatProvider provider, IEnumerable<int> numbers, IReadOnlyDictionary<string, int> table, IShape shape, CancellationToken token) =>
        { }))
            .Resolve("job");

        job.Parameters.Select(p => p.Kind).ShouldBe(
        [
            JobParameterKind.Context, JobParameterKind.Service, JobParameterKind.Argument, JobParameterKind.Argument, JobParameterKind.Argument,
            JobParameterKind.CancellationToken,
        ]);
    }

    private static RabbitArq.Retries.FailureCategory FailureCategoryOf(bool retriable) =>
        retriable ? RabbitArq.Retries.FailureCategory.Retriable : RabbitArq.Retries.FailureCategory.NonRetriable;

    private static void Expect(IReadOnlyList<string> errors, params string[][] expected)
    {
        foreach (var words in expected)
        {
            errors.ShouldContain(error => words.All(word => error.Contains(word, StringComparison.Ordinal)), $"{string.Join(", ", words)} in:\n{string.Join('\n', errors)}");
        }

        errors.Count.ShouldBe(expected.Length, string.Join('\n', errors));
    }

    [System.Text.Json.Serialization.JsonDerivedType(typeof(Circle), "circle")]
    public interface IShape;

    public sealed record Circle(double Radius) : IShape;

    private sealed class Documented
    {
        [Job]
        public static void PlainJobAsync() => Plain();

        [Job("its-name", MaxRetries = 0, TimeoutSeconds = 1.5, MaxConcurrentJobs = 2, MaxPerSecond = 0.5,
            RetryOn = [typeof(ArgumentException)], DoNotRetryOn = [typeof(IOException)])]
        public static void Named()
        {
        }

        public static void Plain()
        {
        }
    }

    private static class Wrong
    {
        public static void Generic<T>()
        {
        }

        public static async void Void() => await Task.Yield();
    }

    private sealed class Unmakeable
    {
        private Unmakeable()
        {
        }

        [Job]
        public void Run() => GC.KeepAlive(this);
    }

    private sealed class NeedsService(IFormatProvider provider)
    {
        [Job]
        public void Run() => GC.KeepAlive(provider);
    }
}

public static unsafe class WrongClass
{
    [Job]
    public static void Open<T>(T value) => GC.KeepAlive(value);

    [Job]
    public static void Point(int* place) => GC.KeepAlive((nint)place);
}

internal static class TextExtensions
{
    public static string Repeat(this string text, int times) => string.Concat(Enumerable.Repeat(text, times));
}
