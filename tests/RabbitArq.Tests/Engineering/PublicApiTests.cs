using System.Reflection;
using System.Xml.Linq;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Engineering;

public sealed class PublicApiTests
{
    private const string Accept = "RABBITARQ_ACCEPT_API";

    /// <summary>The libraries of src, by assembly name. Programs and what runs inside the compiler have no API to keep.</summary>
    public static TheoryData<string> Libraries { get; } = new(
        Repository.Files("src", "*.csproj").Where(IsLibrary).Select(path => Path.GetFileNameWithoutExtension(path)));

    [Theory]
    [MemberData(nameof(Libraries))]
    public void The_public_api_changes_only_on_purpose(string library)
    {
        File.Exists(Path.Combine(AppContext.BaseDirectory, library + ".dll")).ShouldBeTrue(
            $"Let tests/RabbitArq.Tests reference src/{library}: its public API is compared with a tracked file.");
        var folder = Path.Combine(Repository.Root, "tests", "RabbitArq.Tests", "PublicApi");
        var approvedFile = Path.Combine(folder, library + ".txt");
        var receivedFile = Path.Combine(folder, library + ".received.txt");
        var received = PublicApi.Describe(Assembly.Load(library));
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            File.WriteAllText(approvedFile, received);
        }

        var approved = File.Exists(approvedFile) ? File.ReadAllText(approvedFile).ReplaceLineEndings("\n") : "";
        if (received == approved)
        {
            File.Delete(receivedFile);
            return;
        }

        File.WriteAllText(receivedFile, received);
        var lines = received.Split('\n').Except(approved.Split('\n')).Select(line => "+ " + line)
            .Concat(approved.Split('\n').Except(received.Split('\n')).Select(line => "- " + line));
        Assert.Fail(
            $"The public API of {library} is not that of tests/RabbitArq.Tests/PublicApi/{library}.txt:\n{string.Join('\n', lines)}\n" +
            $"If that is meant, run these tests with {Accept}=1 and commit the file.");
    }

    [Fact]
    public void Every_tracked_api_belongs_to_a_library()
    {
        var tracked = Repository.Files("tests/RabbitArq.Tests/PublicApi", "*.txt")
            .Select(path => Path.GetFileNameWithoutExtension(path))
            .Where(name => !name.EndsWith(".received", StringComparison.Ordinal));

        tracked.ShouldBeSubsetOf(Libraries.Select(row => row.Data));
    }

    [Fact]
    public void The_text_shows_what_a_caller_depends_on()
    {
        var text = PublicApi.Describe(typeof(RabbitArqException).Assembly);

        text.ShouldContain("abstract class RabbitArq.RabbitArqException : Exception\n    protected new(string message, Exception? innerException = default)\n");
        text.ShouldContain("    required ReadOnlyMemory<byte> Body { get; init; }\n");
        text.ShouldContain("    IReadOnlyDictionary<string, object?> Headers { get; init; }\n");
        text.ShouldContain("    Task<QueueInfo?> FindQueueAsync(string queueName, CancellationToken cancellationToken = default)\n");
        text.ShouldContain("    const string Default = \"sqlite:rabbitarq.db\"\n");
        text.ShouldContain("sealed record RabbitArq.Messages.BrokerMessage\n");
        text.ShouldNotContain("Clone");
        text.ShouldNotContain("Texts");
    }

    private static bool IsLibrary(string project)
    {
        var properties = XDocument.Load(project).Descendants().ToLookup(element => element.Name.LocalName, element => element.Value);
        return !properties["OutputType"].Contains("Exe") && !properties["TargetFramework"].Any(target => target.StartsWith("netstandard", StringComparison.Ordinal));
    }
}
