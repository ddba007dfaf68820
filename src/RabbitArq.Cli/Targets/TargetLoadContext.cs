using System.Reflection;
using System.Runtime.Loader;

namespace RabbitArq.Cli.Targets;

/// <summary>
/// Loads a worker's assembly with its own dependencies. What both sides hand to each other (RabbitArq and
/// Microsoft.Extensions) must be the same types, so those come from the tool.
/// </summary>
internal sealed class TargetLoadContext(string assemblyPath) : AssemblyLoadContext("rabbitmq-arq target")
{
    private static readonly HashSet<string> Own = [.. ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(path => Path.GetFileNameWithoutExtension(path)!)];

    private readonly AssemblyDependencyResolver _resolver = new(assemblyPath);

    /// <summary>Whether the tool's copy of an assembly is used.</summary>
    public static bool IsShared(string name) =>
        Own.Contains(name)
        && (name is "RabbitArq" or "RabbitArq.RabbitMQ" or "RabbitArq.Sqlite"
            || name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)
            || name.StartsWith("System.", StringComparison.Ordinal));

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (IsShared(assemblyName.Name!))
        {
            return null;
        }

        return _resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : 0;
}
