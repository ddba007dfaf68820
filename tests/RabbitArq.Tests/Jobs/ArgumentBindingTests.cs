using System.Text.Json;
using RabbitArq.Localization;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Jobs;

public sealed class ArgumentBindingTests : IDisposable
{
    private readonly JobRunner _runner = new();

    public ArgumentBindingTests() => Language.SetForFlow("en");

    private enum Colour
    {
        Red,
        Green,
        Blue,
    }

    public void Dispose() => _runner.Dispose();

    [Theory]
    [InlineData("[1,\"b\"]", "{}", "1 b")]
    [InlineData("[1]", """{"secondOne":"b"}""", "1 b")]
    [InlineData("[]", """{"second_one":"b","number":1}""", "1 b")]
    [InlineData("[]", """{"SECONDONE":"b","Number":1}""", "1 b")]
    public async Task Arguments_come_by_place_and_by_name_in_either_spelling(string args, string kwargs, string result) =>
        (await _runner.CallAsync((int number, string secondOne) => $"{number} {secondOne}", args, kwargs)).ShouldBe(result);

    [Fact]
    public async Task What_is_missing_takes_its_default_whatever_its_type()
    {
        var result = await _runner.CallAsync((
            int number = 7, string text = "t", Colour colour = Colour.Green, Colour? maybe = Colour.Blue, int? none = null, DateTime time = default,
            Guid id = default, decimal price = 1.5m, string? nothing = null, CancellationToken token = default, Point point = default) =>
            FormattableString.Invariant($"{number} {text} {colour} {maybe} {none is null} {time.Ticks} {id} {price} {nothing is null} {point.X}"));

        result.ShouldBe($"7 t Green Blue True 0 {Guid.Empty} 1.5 True 0");
    }

    [Fact]
    public async Task Services_and_context_take_no_place_among_the_arguments()
    {
        var result = await _runner.CallAsync((JobContext context, int first, CancellationToken token, string second, IServiceProvider services) =>
            $"{context.JobId} {first} {second} {services is not null}", """[1,"b"]""");

        result.ShouldBe("id 1 b True");
    }

    [Fact]
    public async Task Complex_values_are_read_from_JSON()
    {
        var result = await _runner.CallAsync(
            (Order order, List<Order> more, Dictionary<string, int[]> table, JsonElement any, object untyped, Colour colour, TimeSpan span, int? none) =>
                $"{order.Name} {order.Tags.Count} {more[0].Name} {table["a"][1]} {any.GetProperty("x").GetInt32()} {untyped.GetType().Name} {colour} {span.TotalHours} {none is null}",
            """[{"name":"o","Tags":["x","y"],"unknown":1},[{"Name":"p","Tags":[]}],{"a":[1,2]},{"x":5},{"y":1},2,"01:00:00",null]""");

        result.ShouldBe("o 2 p 2 5 JsonElement Blue 1 True");
    }

    [Theory]
    [InlineData("""["x",true]""", "{}", "number", "'number'", "Int32", "string")]
    [InlineData("[1.5,true]", "{}", "number", "'number'", "Int32", "number")]
    [InlineData("[{},true]", "{}", "number", "'number'", "Int32", "object")]
    [InlineData("[[1],true]", "{}", "number", "'number'", "Int32", "array")]
    [InlineData("[true,true]", "{}", "number", "'number'", "Int32", "boolean")]
    [InlineData("[null,true]", "{}", "number", "'number'", "Int32", "null")]
    [InlineData("[3000000000,true]", "{}", "number", "'number'", "Int32", "number")]
    [InlineData("[1]", """{"flag":"yes"}""", "flag", "'flag'", "Boolean", "string")]
    [InlineData("[1]", "{}", "flag", "'flag'", "Boolean", "no value")]
    [InlineData("[1,true,3]", "{}", null, "3 ", "2 ", "number, flag")]
    [InlineData("[1,true]", """{"colour":1}""", "colour", "'colour'", "number, flag", "no parameter")]
    [InlineData("[1,true]", """{"number":2}""", "number", "'number'", "by position and by name", "")]
    [InlineData("[1]", """{"flag":true,"flag":false}""", "flag", "'flag'", "", "")]
    public async Task What_does_not_bind_is_an_error_that_names_parameter_type_and_kind_of_the_value(
        string args, string kwargs, string? parameter, params string[] words)
    {
        var failure = await Should.ThrowAsync<ArgumentBindingException>(() => _runner.CallAsync((int number, bool flag) => { }, args, kwargs));

        failure.Function.ShouldBe("job");
        failure.Parameter.ShouldBe(parameter);
        foreach (var word in words)
        {
            failure.Message.ShouldContain(word);
        }
    }

    [Fact]
    public async Task Null_goes_only_where_the_parameter_says_so()
    {
        (await _runner.CallAsync((string? text, int? number) => text is null && number is null, "[null,null]")).ShouldBe(true);
        (await Should.ThrowAsync<ArgumentBindingException>(() => _runner.CallAsync((string text) => { }, "[null]"))).Parameter.ShouldBe("text");
        (await Should.ThrowAsync<ArgumentBindingException>(() => _runner.CallAsync((Colour colour) => { }, "[null]"))).Message.ShouldContain("null");
    }

    [Fact]
    public async Task A_nullable_type_is_named_as_in_the_source()
    {
        (await Should.ThrowAsync<ArgumentBindingException>(() => _runner.CallAsync((int? number) => { }, "[\"x\"]"))).Message.ShouldContain("Int32?");
    }

    [Fact]
    public async Task Names_that_are_no_text_are_an_error_of_binding()
    {
        await Should.ThrowAsync<ArgumentBindingException>(() => _runner.CallAsync((int number) => { }, "[]", """{"\ud800":1}"""));
    }

    private sealed record Order(string Name, IReadOnlyList<string> Tags);

    private readonly record struct Point(int X);
}
