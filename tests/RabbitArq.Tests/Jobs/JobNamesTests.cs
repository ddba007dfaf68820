using RabbitArq.Jobs;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Jobs;

public sealed class JobNamesTests
{
    [Theory]
    [InlineData("CountWordsAsync", "count_words")]
    [InlineData("CountWords", "count_words")]
    [InlineData("SendHTTPRequest", "send_http_request")]
    [InlineData("HTTP", "http")]
    [InlineData("step2", "step2")]
    [InlineData("Step2Do", "step2_do")]
    [InlineData("already_snake_Case", "already_snake_case")]
    [InlineData("Async", "async")]
    [InlineData("RunAsync", "run")]
    [InlineData("Asynchronous", "asynchronous")]
    [InlineData("X", "x")]
    [InlineData("Ärger", "ärger")]
    [InlineData("任务Async", "任务")]
    [InlineData("<Main>g__ResizeAsync|0_3", "resize")]
    public void A_method_name_becomes_snake_case_without_Async(string method, string name) => JobNames.FromMethod(method).ShouldBe(name);
}
