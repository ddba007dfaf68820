using System.Reflection;
using RabbitArq.Execution;
using RabbitArq.Hosting.Settings;
using RabbitArq.Retries;
using RabbitArq.Workers;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Engineering;

/// <summary>What documents say that the code can contradict.</summary>
public sealed class DocumentTests
{
    private static readonly Dictionary<string, string> Snippets = Repository.Files("samples/Snippets", "*.cs")
        .SelectMany(path => CSharpSnippets.Of(File.ReadAllText(path)))
        .ToDictionary(snippet => snippet.Name, snippet => snippet.Code);

    public static TheoryData<string> Documents { get; } = new(
        Repository.Files("docs", "*.md").Concat(Directory.EnumerateFiles(Repository.Root, "*.md")).Select(Repository.Relative));

    /// <summary>Documents in both languages, by the English one.</summary>
    public static TheoryData<string> Translated { get; } = new(
        Repository.Files("docs/guides/en", "*.md").Select(Repository.Relative).Append("README.md"));

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_example_is_the_code_that_runs(string path)
    {
        foreach (var (language, name, code) in Load(path).Blocks.Where(block => block.Language == "csharp"))
        {
            name.ShouldNotBeNull($"{path}: a block of C# needs a line <!-- snippet: NAME --> above it:\n{code}");
            Snippets.ShouldContainKey(name, $"{path}: no #region {name} in samples/Snippets");
            CSharpSnippets.WithoutComments(code).ShouldBe(CSharpSnippets.WithoutComments(Snippets[name]), $"{path}: {name}");
        }
    }

    [Fact]
    public void Every_example_that_runs_is_in_a_document()
    {
        var shown = Documents.SelectMany(row => Load(row.Data).Blocks).Select(block => block.Snippet).ToHashSet();

        Snippets.Keys.Except(shown.OfType<string>()).ShouldBeEmpty("regions of samples/Snippets that no document shows");
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_lead_to_files_that_exist(string path)
    {
        var folder = Path.GetDirectoryName(Path.Combine(Repository.Root, path))!;

        Load(path).LinkedFiles.Where(target => !Path.Exists(Path.Combine(folder, target))).ShouldBeEmpty(path);
    }

    [Theory]
    [MemberData(nameof(Translated))]
    public void Both_languages_have_the_same_parts(string path)
    {
        var chinese = path == "README.md" ? "README.zh-CN.md" : path.Replace("/en/", "/zh-CN/", StringComparison.Ordinal);

        Load(chinese).Structure.ShouldBe(Load(path).Structure, path);
    }

    [Theory]
    [InlineData("docs/guides/en/jobs.md", "yes", "no")]
    [InlineData("docs/guides/zh-CN/jobs.md", "是", "否")]
    public void The_failure_rules_are_those_of_the_code(string path, string yes, string no)
    {
        var rows = Load(path).Table("failure-rules");
        var rules = DefaultFailureRules.Create().Rules.ToLookup(rule => rule.Value, rule => rule.Key.Name);

        // A name behind a parenthesis is a subclass that the reader may look for.
        string[] NamesOf(string answer) => [.. rows.Where(row => row[1] == answer)
            .SelectMany(row => DocumentFile.Names(row[0])).Where(name => name != nameof(JobTimeoutException)).Order()];
        NamesOf(yes).ShouldBe(rules[FailureCategory.Retriable].Order());
        NamesOf(no).ShouldBe(rules[FailureCategory.NonRetriable].Order());
    }

    [Theory]
    [InlineData("docs/guides/en/jobs.md")]
    [InlineData("docs/guides/zh-CN/jobs.md")]
    public void The_headers_of_dead_letters_are_those_of_the_code(string path)
    {
        var constants = typeof(DeadLetters).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral)
            .Select(field => (string)field.GetRawConstantValue()!);

        Load(path).Table("dead-letter-headers").SelectMany(row => DocumentFile.Names(row[0])).Order().ShouldBe(constants.Order());
    }

    [Theory]
    [InlineData("docs/guides/en/enqueue.md")]
    [InlineData("docs/guides/zh-CN/enqueue.md")]
    public void The_options_of_an_enqueue_are_those_of_the_code(string path)
    {
        var options = typeof(EnqueueOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name);

        Load(path).Table("enqueue-options").SelectMany(row => DocumentFile.Names(row[0])).Order().ShouldBe(options.Order());
    }

    [Theory]
    [InlineData("docs/guides/en/workers.md")]
    [InlineData("docs/guides/zh-CN/workers.md")]
    public void The_settings_are_those_of_the_catalog(string path)
    {
        var worker = new WorkerSettings();
        var target = new SettingsTarget(worker, new ClientSettings(worker.Connection));
        var rows = Load(path).Table("settings").ToDictionary(row => Code(row[0]));

        rows.Keys.ShouldBe(SettingsCatalog.All.Select(setting => setting.Key));
        foreach (var setting in SettingsCatalog.All)
        {
            var row = rows[setting.Key];
            Code(row[2]).ShouldBe(setting.Variable ?? "", setting.Key);
            if (setting.Key != "worker.name")
            {
                Code(row[3]).ShouldBe(setting.Show(target) ?? "", setting.Key);
            }

            if (setting.GetType().GetProperty("Property")?.GetValue(setting) is string property)
            {
                Code(row[1]).Split('.')[^1].ShouldBe(property, setting.Key);
            }
        }

        static string Code(string cell) => DocumentFile.Names(cell).FirstOrDefault("");
    }

    [Theory]
    [InlineData("a(); // one\nb();", "a(); // 一\n// 二\nb();")]
    [InlineData("  // one\n  a(\"amqp://h\");", "  a(\"amqp://h\");")]
    public void Comments_of_examples_may_differ(string one, string other)
    {
        CSharpSnippets.WithoutComments(one).ShouldBe(CSharpSnippets.WithoutComments(other));
    }

    [Fact]
    public void Code_of_examples_may_not_differ()
    {
        CSharpSnippets.WithoutComments("a(\"amqp://h\");").ShouldNotBe(CSharpSnippets.WithoutComments("a(\"amqp://x\");"));
    }

    [Fact]
    public void A_translation_with_another_row_heading_or_block_differs()
    {
        static IEnumerable<string> Of(string text) => new DocumentFile("a.md", text).Structure;

        Of("# A\n| `a` | b |\n").ShouldBe(Of("# 甲\n| `a` | 乙 |\n"));
        Of("# A").ShouldNotBe(Of("## A"));
        Of("| `a` | b |").ShouldNotBe(Of("| `b` | b |"));
        Of("```sh\na\n```").ShouldNotBe(Of("```sh\nb\n```"));
    }

    private static DocumentFile Load(string path) => DocumentFile.Load(Path.Combine(Repository.Root, path));
}
