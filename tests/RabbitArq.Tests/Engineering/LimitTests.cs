using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Engineering;

public sealed class LimitTests
{
    private const int MaxLines = 400;
    private const int MaxPublicTypes = 90;

    [Fact]
    public void A_source_file_is_short_or_says_in_its_first_line_why_not()
    {
        var tooLong = Repository.Files("src", "*.cs")
            .Select(path => (Path: Repository.Relative(path), Lines: File.ReadAllLines(path)))
            .Where(file => file.Lines.Length > MaxLines && !file.Lines[0].StartsWith("// ", StringComparison.Ordinal))
            .Select(file => $"{file.Path}: {file.Lines.Length} lines");

        tooLong.ShouldBeEmpty($"Split it by its concepts, or begin the file with a comment that says why it is longer than {MaxLines} lines.");
    }

    [Fact]
    public void The_core_stays_within_its_budget_of_public_types()
    {
        var types = typeof(RabbitArqException).Assembly.GetExportedTypes();

        types.Length.ShouldBeLessThanOrEqualTo(MaxPublicTypes, "What is public is for ever: make internal what users do not name.");
    }
}
