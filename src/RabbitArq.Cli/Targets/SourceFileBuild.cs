using System.Globalization;
using System.Security;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using RabbitArq.Cli.Localization;

namespace RabbitArq.Cli.Targets;

/// <summary>
/// Compiles a single <c>.cs</c> file against the RabbitArq that comes with the tool: a project is generated for it in the
/// user's cache, one per content. The directives of file-based programs are understood, so one file serves
/// <c>dotnet run</c> too; with <c>#:project</c> it is built each time, because that project may have changed.
/// </summary>
internal sealed partial class SourceFileBuild(Action<string> note)
{
    private const string AssemblyName = "worker";

    /// <exception cref="CliException">It does not compile; the details are the compiler's errors.</exception>
    public async Task<string> RunAsync(string sourcePath, CancellationToken cancellationToken)
    {
        var source = await File.ReadAllTextAsync(sourcePath, cancellationToken);
        var directory = Path.Combine(CacheRoot(), Key(sourcePath, source));
        var assembly = Path.Combine(directory, "out", AssemblyName + ".dll");
        var isComplete = Path.Combine(directory, "complete");
        if (File.Exists(isComplete) && File.Exists(assembly))
        {
            return assembly;
        }

        note(Texts.Building(sourcePath));
        Directory.CreateDirectory(directory);

        // Two workers may start on one file at once: the second waits and finds the first's result.
        await using var turn = await BuildTurn.TakeAsync(Path.Combine(directory, "lock"), cancellationToken);
        if (File.Exists(isComplete) && File.Exists(assembly))
        {
            return assembly;
        }

        var project = WriteProject(directory, sourcePath, source);
        var (exitCode, lines) = await DotnetCommand.RunAsync(
            ["build", project, "-nologo", "-v:q", "-tl:off", "-o", Path.Combine(directory, "out")], directory, cancellationToken);
        if (exitCode != 0)
        {
            throw ProjectBuild.Failed(sourcePath, lines);
        }

        if (!ProjectDirective().IsMatch(source))
        {
            await File.WriteAllTextAsync(isComplete, sourcePath, cancellationToken);
        }

        return assembly;
    }

    /// <summary>A user without a home gets a folder for this run: one that others can write to could hold their code.</summary>
    private static string CacheRoot()
    {
        var data = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return data.Length > 0 ? Path.Combine(data, "rabbitmq-arq", "run") : Directory.CreateTempSubdirectory("rabbitmq-arq-").FullName;
    }

    /// <summary>The same text at another place has other neighbours; another tool, other references.</summary>
    private static string Key(string path, string source)
    {
        var tool = typeof(WorkerSettings).Module.ModuleVersionId;
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{tool}\n{AppContext.BaseDirectory}\n{path}\n{source}")))[..24];
    }

    private static string WriteProject(string directory, string sourcePath, string source)
    {
        // Nothing above the cache's folder may reach in.
        foreach (var name in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
        {
            File.WriteAllText(Path.Combine(directory, name), "<Project />");
        }

        var items = new StringBuilder();
        foreach (var reference in References())
        {
            items.AppendLine(CultureInfo.InvariantCulture, $"    <Reference Include=\"{Escape(Path.GetFileNameWithoutExtension(reference))}\"><HintPath>{Escape(reference)}</HintPath><Private>false</Private></Reference>");
        }

        var properties = new StringBuilder();
        var sdk = "Microsoft.NET.Sdk";
        foreach (Match directive in Directive().Matches(source))
        {
            var value = directive.Groups["value"].Value.Trim();
            var parts = value.Split(['@', '='], 2, StringSplitOptions.TrimEntries);
            switch (directive.Groups["kind"].Value)
            {
                // The tool brings RabbitArq itself: a second copy would be another RabbitArq.
                case "package" when !TargetLoadContext.IsShared(parts[0]):
                    items.AppendLine(CultureInfo.InvariantCulture, $"    <PackageReference Include=\"{Escape(parts[0])}\" Version=\"{Escape(parts.Length > 1 ? parts[1] : "*")}\" />");
                    break;
                case "project":
                    items.AppendLine(CultureInfo.InvariantCulture, $"    <ProjectReference Include=\"{Escape(ProjectPath(Path.Combine(Path.GetDirectoryName(sourcePath)!, value)))}\" />");
                    break;
                case "property" when parts.Length > 1 && parts[0] is not ("OutputType" or "PublishAot"):
                    properties.AppendLine(CultureInfo.InvariantCulture, $"    <{parts[0]}>{Escape(parts[1])}</{parts[0]}>");
                    break;
                case "sdk":
                    sdk = value.Replace('@', '/');
                    break;
                default:
                    break;
            }
        }

        // A program needs an entry point; a file with a worker's class alone gets one that is never called.
        var entry = Path.Combine(directory, "Entry.cs");
        File.WriteAllText(entry, MainMethod().IsMatch(source) ? "" : "internal static class RabbitArqEntryPoint { private static void Main() { } }\n");
        var project = Path.Combine(directory, AssemblyName + ".csproj");
        File.WriteAllText(project, $"""
            <Project Sdk="{Escape(sdk)}">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <UseAppHost>false</UseAppHost>
                <TargetFramework>net{Environment.Version.Major}.0</TargetFramework>
                <AssemblyName>{AssemblyName}</AssemblyName>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <EnableDefaultItems>false</EnableDefaultItems>
                <CopyLocalLockFileAssemblies>true</CopyLocalLockFileAssemblies>
                <ManagePackageVersionsCentrally>false</ManagePackageVersionsCentrally>
                <Features>$(Features);FileBasedProgram</Features>
                <NoWarn>$(NoWarn);CS7022</NoWarn>
            {properties}  </PropertyGroup>
              <ItemGroup>
                <Using Include="RabbitArq" />
                <Compile Include="{Escape(sourcePath)}" />
                <Compile Include="{Escape(entry)}" />
            {items}  </ItemGroup>
            </Project>
            """);
        return project;
    }

    /// <summary>RabbitArq and what its public types show.</summary>
    private static IEnumerable<string> References() =>
        Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Where(path =>
        {
            var name = Path.GetFileNameWithoutExtension(path);
            return name.StartsWith("RabbitArq", StringComparison.Ordinal) || name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal);
        });

    /// <summary>As with <c>dotnet run</c>, the folder of a project will do.</summary>
    private static string ProjectPath(string path)
    {
        var full = Path.GetFullPath(path);
        return Directory.Exists(full) && Directory.GetFiles(full, "*.*proj") is [var only] ? only : full;
    }

    private static string Escape(string text) => SecurityElement.Escape(text);

    [GeneratedRegex(@"^#:(?<kind>\w+)[ \t]+(?<value>[^\r\n]+)", RegexOptions.Multiline)]
    private static partial Regex Directive();

    [GeneratedRegex(@"^#:project\s", RegexOptions.Multiline)]
    private static partial Regex ProjectDirective();

    [GeneratedRegex(@"\bstatic\s+(async\s+)?(void|int|Task|Task<int>)\s+Main\s*\(")]
    private static partial Regex MainMethod();
}
