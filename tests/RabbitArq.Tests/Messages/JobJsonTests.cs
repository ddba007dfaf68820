using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using RabbitArq.Messages;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Messages;

public sealed class JobJsonTests
{
    [Fact]
    public void Arguments_are_written_unescaped_in_order_and_by_name()
    {
        var arguments = JobArguments.From(["ä中<>&'", 1, null, new Point(1, 2)], new Dictionary<string, object?> { ["when"] = DateOnly.MaxValue });

        Encoding.UTF8.GetString(arguments.Positional.Span).ShouldBe("""["ä中<>&'",1,null,{"X":1,"Y":2}]""");
        Encoding.UTF8.GetString(arguments.Named.Span).ShouldBe("""{"when":"9999-12-31"}""");
    }

    [Fact]
    public void Named_arguments_alone_leave_an_empty_array()
    {
        var arguments = JobArguments.From(null, new Dictionary<string, object?> { ["a"] = 1 });

        Encoding.UTF8.GetString(arguments.Positional.Span).ShouldBe("[]");
        Encoding.UTF8.GetString(arguments.Named.Span).ShouldBe("""{"a":1}""");
        JobArguments.From([], new Dictionary<string, object?>()).ShouldBeSameAs(JobArguments.None);
    }

    [Fact]
    public void A_value_that_is_no_JSON_is_an_error_that_names_the_argument_and_its_type()
    {
        var loop = new List<object>();
        loop.Add(loop);

        var byName = Should.Throw<ArgumentNotSerializableException>(() => JobArguments.From([1], new Dictionary<string, object?> { ["handler"] = new Action(() => { }) }));
        var byPlace = Should.Throw<ArgumentNotSerializableException>(() => JobArguments.From([1, loop]));

        (byName.Argument, byName.ArgumentType).ShouldBe(("handler", typeof(Action)));
        byPlace.Argument.ShouldBe("1");
        byName.Message.ShouldContain("System.Action");
    }

    [Fact]
    public void A_generated_context_is_asked_first_and_simple_types_need_none()
    {
        var json = JobJson.With(PointContext.Default);

        json.GetTypeInfo(typeof(Point)).OriginatingResolver.ShouldBeSameAs(PointContext.Default);
        Encoding.UTF8.GetString(JobArguments.From([new Point(1, 2), 5, "a"], null, json).Positional.Span).ShouldBe("""[{"X":1,"Y":2},5,"a"]""");
    }

    /// <summary>The switch is read once per process, so a process of its own tells.</summary>
    [Fact]
    public async Task With_reflection_off_a_generated_context_is_enough_and_a_type_without_one_is_named()
    {
        var self = Path.Combine(AppContext.BaseDirectory, Assembly.GetExecutingAssembly().GetName().Name!);
        var config = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(await File.ReadAllTextAsync(self + ".runtimeconfig.json", TestContext.Current.CancellationToken))!;
        var options = config["runtimeOptions"].Deserialize<Dictionary<string, object>>()!;
        options["configProperties"] = new Dictionary<string, object> { ["System.Text.Json.JsonSerializer.IsReflectionEnabledByDefault"] = false };
        var path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".runtimeconfig.json");
        try
        {
            await File.WriteAllTextAsync(path, JsonSerializer.Serialize(new { runtimeOptions = options }), TestContext.Current.CancellationToken);
            var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                ArgumentList =
                {
                    "exec", "--runtimeconfig", path, "--depsfile", self + ".deps.json", self + ".dll",
                    "-noColor", "-explicit", "only", "-class", typeof(WithoutReflection).FullName!,
                },
            };
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

            process.ExitCode.ShouldBe(0, await output + await error);
            (await output).ShouldContain("Total: 1, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0");
        }
        finally
        {
            File.Delete(path);
        }
    }
}

/// <summary>Run by the test above, in its process.</summary>
public sealed class WithoutReflection
{
    [Fact(Explicit = true)]
    public void Everything_but_a_type_without_a_context_works()
    {
        JsonSerializer.IsReflectionEnabledByDefault.ShouldBeFalse();
        var json = JobJson.With(PointContext.Default);
        JobArguments.From([new Point(1, 2), "text", 5L, new[] { "a" }, Guid.Empty], null, json).Positional.IsEmpty.ShouldBeFalse();
        Should.Throw<ArgumentNotSerializableException>(() => JobArguments.From([new Point(1, 2)])).ArgumentType.ShouldBe(typeof(Point));

        var run = new Jobs.JobRunner(json);
        run.Call((Point point, int times) => point.X * times, [new Point(3, 4), 5]).ShouldBe(15);
        run.Errors(jobs => jobs.Add("bad", (UriBuilder builder) => { })).ShouldHaveSingleItem().ShouldContain("'builder'");
    }
}

public sealed record Point(int X, int Y);

[JsonSerializable(typeof(Point))]
internal sealed partial class PointContext : JsonSerializerContext;
