using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Engineering;

public sealed class FolderArrowsTests
{
    [Fact]
    public void No_folder_of_the_core_uses_one_above_it()
    {
        var project = Path.Combine(Repository.Root, "src", "RabbitArq");
        var files = Repository.Files("src/RabbitArq", "*.cs")
            .Select(path => KeyValuePair.Create(Path.GetRelativePath(project, path).Replace('\\', '/'), File.ReadAllText(path)))
            .ToList();
        files.Count.ShouldBeGreaterThan(5);

        var violations = new FolderArrows(files).Violations();

        violations.ShouldBeEmpty(
            "A file names a type of a folder that stands above its own (file -> type -> folder). " +
            "Move the type down, or turn the dependency round with a port in the lower folder. The list of folders: FolderArrows.Order.");
    }

    [Theory]
    [InlineData("class A { IBroker _broker; }")]
    [InlineData("class A(IBroker broker);")]
    [InlineData("class A : IBroker;")]
    [InlineData("class A { object M() => new IBroker(); }")]
    [InlineData("class A { List<IBroker> Items { get; } }")]
    [InlineData("class A { object M() => IBroker.Default; }")]
    [InlineData("class A { bool M(object o) => o is IBroker; }")]
    [InlineData("class A { string M() => $\"{nameof(IBroker)}\"; }")]
    [InlineData("class A { RabbitArq.Brokers.IBroker _broker; }")]
    [InlineData("using B = IBroker; class A;")]
    [InlineData("[IBroker] class A;")]
    [InlineData("class A { void M() { foreach (IBroker broker in x) { } } }")]
    [InlineData("class A { IBroker? Broker { get; set; } }")]
    [InlineData("class A { IBroker[] Brokers { get; set; } }")]
    [InlineData("class A { IBroker IBroker { get; } }")]
    [InlineData("class A { (int, IBroker) M() => default; }")]
    [InlineData("class A { void M(Func<int, IBroker> f) { } }")]
    public void A_use_of_a_higher_folder_is_found(string source)
    {
        var arrows = Arrows(("Messages/A.cs", source), ("Brokers/IBroker.cs", "namespace RabbitArq; public interface IBroker { }"));

        arrows.Violations().ShouldBe(["Messages/A.cs -> IBroker -> Brokers"]);
    }

    [Theory]
    [InlineData("// IBroker\nclass A;")]
    [InlineData("/* IBroker */ class A;")]
    [InlineData("/// <see cref=\"IBroker\"/>\nclass A;")]
    [InlineData("class A { string M() => \"IBroker\"; }")]
    [InlineData("class A { string M() => \"a \\\" IBroker\"; }")]
    [InlineData("class A { string M() => @\"a \"\" IBroker\"; }")]
    [InlineData("class A { string M() => \"\"\"a \" IBroker\"\"\"; }")]
    [InlineData("class A { string M() => $\"{{IBroker}} {x} IBroker\"; }")]
    [InlineData("class A { string M() => $\"{x[\"IBroker\"]} IBroker\"; }")]
    [InlineData("class A { string M() => $$\"\"\"{IBroker} {{x}} IBroker\"\"\"; }")]
    [InlineData("class A { char M() => '\"'; string N() => \"IBroker\"; }")]
    [InlineData("#region IBroker\nclass A;\n#endregion")]
    [InlineData("class A { int IBroker { get; } }")]
    [InlineData("class A { int IBroker => 1; }")]
    [InlineData("class A { int IBroker() => 1; }")]
    [InlineData("class A { void M(int IBroker) { } }")]
    [InlineData("class A { object M() => new B { IBroker = 3 }; }")]
    [InlineData("class A { object M() => F(IBroker: 3); }")]
    [InlineData("class A { object M() => x.IBroker; }")]
    [InlineData("class A { object M() => x?.IBroker; }")]
    [InlineData("class A { Identity IBroker { get; } string M() => IBroker.Name + F(IBroker); }")]
    [InlineData("enum A { IBroker, Other }")]
    [InlineData("enum A : byte { Other, IBroker = 2 }")]
    public void A_name_that_is_not_a_use_is_not_found(string source)
    {
        var arrows = Arrows(("Messages/A.cs", source), ("Brokers/IBroker.cs", "namespace RabbitArq; public interface IBroker { }"));

        arrows.Violations().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("public sealed class X { }")]
    [InlineData("public readonly record struct X(int Y);")]
    [InlineData("internal enum X { A }")]
    [InlineData("public delegate Task<int> X(int y);")]
    [InlineData("public sealed class X<T>(int y) : List<T> where T : class { }")]
    public void Every_kind_of_type_is_known(string declaration)
    {
        var arrows = Arrows(("Jobs/A.cs", "class A { X M() => null; }"), ("Hosting/X.cs", "namespace RabbitArq;\n" + declaration));

        arrows.Violations().ShouldBe(["Jobs/A.cs -> X -> Hosting"]);
    }

    [Fact]
    public void Lower_folders_and_the_own_one_may_be_used()
    {
        var arrows = Arrows(
            ("Error.cs", "namespace RabbitArq; class Error { }"),
            ("Messages/M.cs", "namespace RabbitArq; class M { Error E; N N; }"),
            ("Messages/Formats/N.cs", "namespace RabbitArq; class N { M M; }"),
            ("Jobs/J.cs", "namespace RabbitArq; class J { M M; }"),
            ("Hosting/H.cs", "namespace RabbitArq; class H { J J; M M; }"));

        arrows.Violations().ShouldBeEmpty();
    }

    [Fact]
    public void Within_a_layer_the_list_goes_one_way()
    {
        var arrows = Arrows(("Jobs/J.cs", "class J { M M; }"), ("Messages/M.cs", "class M { J J; }"));

        arrows.Violations().ShouldBe(["Messages/M.cs -> J -> Jobs"]);
    }

    [Fact]
    public void A_folder_without_a_place_is_named()
    {
        var arrows = Arrows(("Helpers/H.cs", "class H;"));

        arrows.Violations().ShouldHaveSingleItem().ShouldContain("Helpers");
    }

    private static FolderArrows Arrows(params (string Path, string Source)[] files) =>
        new(files.Select(file => KeyValuePair.Create(file.Path, file.Source)));
}
