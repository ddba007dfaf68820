using RabbitArq.Tests.Engineering;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Localization;

public sealed class ResourceParityTests
{
    private const string Members =
        """
        public static string Plain() => Source.Get();
        public static string Two(string a, int b) => Source.Format([a, b]);
        """;

    public static TheoryData<string> Files { get; } = new(
        Repository.Files("src", "Texts.resx").Concat(Repository.Files("samples", "Texts.resx")).Select(Repository.Relative));

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_text_is_there_in_both_languages_and_used(string file)
    {
        ResourceFile.Load(Path.Combine(Repository.Root, file)).Faults().ShouldBeEmpty(file);
    }

    [Fact]
    public void Texts_that_agree_have_no_fault()
    {
        Faults("Plain|A {{b}}.|一个。", "Two|{0}, {1:N0}, {0}|{1} 个 {0}", "Log_Started|{Worker}: {Queue}|{Worker}: {Queue}").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("Plain|A.|")]
    [InlineData("Plain||一个。")]
    [InlineData("Plain|A.| ")]
    [InlineData("Plain|A.|A.")]
    [InlineData("Plain|A.|B.")]
    [InlineData("Plain|A.|-")]
    [InlineData("Plain|A {0}.|一个 {0}。")]
    [InlineData("Two|{0} {1}|一个 {0}")]
    [InlineData("Two|{0}|一个 {0}")]
    [InlineData("Two|{0} {1} {2}|一个 {0} {1} {2}")]
    [InlineData("Two|{0} {1} {a}|一个 {0} {1} {a}")]
    [InlineData("Two|{0} {1}|一个 {0} {1} {")]
    [InlineData("Log_Started|{Worker} on {Queue}|队列 {Queue} 由 {Worker} 处理")]
    [InlineData("Log_Started|{Worker} on {Queue}|{Worker} 处理")]
    [InlineData("Log_Started|{Worker}|{worker} 处理")]
    [InlineData("Unused|A.|一个。")]
    [InlineData("Log_Unused|A.|一个。")]
    public void A_text_that_does_not_agree_is_a_fault(string entry)
    {
        var whole = new[] { "Plain|A.|一个。", "Two|{0} {1}|{0} 和 {1}", "Log_Started|{Worker} {Queue}|{Worker} 处理 {Queue}" };
        var name = entry.Split('|')[0];

        Faults([.. whole.Where(other => other.Split('|')[0] != name), entry]).ShouldHaveSingleItem().ShouldStartWith(name);
    }

    [Theory]
    [InlineData("Two|{0} {1}|{0} 和 {1}", "Plain")]
    [InlineData("Plain|A.|一个。", "Two")]
    public void A_member_without_a_text_is_a_fault(string only, string missing)
    {
        Faults(only, "Log_Started|{Worker}|{Worker} 处理").ShouldHaveSingleItem().ShouldStartWith(missing);
    }

    [Fact]
    public void A_log_message_without_a_text_is_a_fault()
    {
        Faults("Plain|A.|一个。", "Two|{0} {1}|{0} 和 {1}").ShouldHaveSingleItem().ShouldStartWith("Log_Started");
    }

    [Fact]
    public void Braces_of_a_text_that_takes_no_values_are_its_own()
    {
        Faults("""Plain|Write {"a": 1}.|写成 {"a": 1}。""", "Two|{0} {1}|{0} 和 {1}", "Log_Started|{Worker}|{Worker} 处理").ShouldBeEmpty();
    }

    [Fact]
    public void A_text_in_one_language_is_a_fault()
    {
        var file = new ResourceFile(Resource(["Plain|A.|"], 1), "<root/>", "public static string Plain() => Source.Get();", "");

        file.Faults().ShouldHaveSingleItem().ShouldContain("zh-CN");
    }

    private static IReadOnlyList<string> Faults(params string[] entries) =>
        new ResourceFile(Resource(entries, 1), Resource(entries, 2), Members, "Define(1, Texts.LogTemplate(\"Started\"))").Faults();

    private static string Resource(string[] entries, int language) =>
        "<root>" + string.Concat(entries.Select(entry => entry.Split('|')).Select(
            parts => $"<data name=\"{parts[0]}\"><value>{parts[language]}</value></data>")) + "</root>";
}
