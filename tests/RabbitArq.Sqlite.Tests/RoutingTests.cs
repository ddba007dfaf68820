using RabbitArq.Sqlite.Engine;
using Shouldly;
using Xunit;

namespace RabbitArq.Sqlite.Tests;

public sealed class RoutingTests
{
    [Theory]
    [InlineData("a.b", "a.b", true)]
    [InlineData("a.b", "a.b.c", false)]
    [InlineData("*.b", "a.b", true)]
    [InlineData("*.b", "b", false)]
    [InlineData("*", "", true)]
    [InlineData("*", "a.b", false)]
    [InlineData("#", "", true)]
    [InlineData("#", "a.b.c", true)]
    [InlineData("a.#", "a", true)]
    [InlineData("a.#", "ab", false)]
    [InlineData("#.c", "a.b.c", true)]
    [InlineData("#.c", "c", true)]
    [InlineData("a.#.c", "a.c", true)]
    [InlineData("a.#.c", "a.b.b.c", true)]
    [InlineData("a.#.c", "a.b.c.d", false)]
    [InlineData("*.#", "a", true)]
    [InlineData("*.#.*", "a", false)]
    [InlineData("*.#.*", "a.b", true)]
    [InlineData("#.#.a", "a", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("a..b", "a..b", true)]
    [InlineData("a.*.b", "a..b", true)]
    public void A_topic_pattern_matches_by_words(string pattern, string key, bool matches) =>
        TopicPattern.Matches(pattern, key).ShouldBe(matches);

    /// <summary>Many # would cost time exponential in their number if each were tried at each place.</summary>
    [Fact]
    public void A_pattern_of_many_hashes_is_matched_in_short_time()
    {
        var pattern = string.Join('.', Enumerable.Repeat("#.a", 200));
        var key = string.Join('.', Enumerable.Repeat("a", 400)) + ".b";

        TopicPattern.Matches(pattern, key).ShouldBeFalse();
    }
}
