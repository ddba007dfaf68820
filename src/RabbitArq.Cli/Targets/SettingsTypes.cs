using System.Reflection;
using RabbitArq.Cli.Localization;

namespace RabbitArq.Cli.Targets;

/// <summary>Finds the class in an assembly that describes the worker, and makes one.</summary>
internal static class SettingsTypes
{
    /// <exception cref="CliException">None, several, or it cannot be made; the details list what was found.</exception>
    public static WorkerSettings Create(Assembly assembly, string? typeName, string target)
    {
        var candidates = TypesOf(assembly, target)
            .Where(type => type is { IsClass: true, IsAbstract: false, ContainsGenericParameters: false } && type.IsSubclassOf(typeof(WorkerSettings)))
            .OrderBy(type => type.FullName, StringComparer.Ordinal).ToList();
        string[] names = [.. candidates.Select(type => type.FullName!.Replace('+', '.'))];
        if (typeName is not null)
        {
            candidates = [.. candidates.Where(type => Names(type).Contains(typeName.Replace('+', '.')))];
            if (candidates.Count != 1)
            {
                throw new CliException(
                    candidates.Count == 0 ? Texts.TypeMissing(typeName, target) : Texts.TypeAmbiguous(typeName, target),
                    names.Length == 0 ? Texts.TypeNoneAdvice() : Texts.TypeSeveralAdvice())
                { Details = names };
            }
        }

        return candidates.Count switch
        {
            1 => Make(candidates[0]),
            0 => throw new CliException(Texts.TypeNone(target), Texts.TypeNoneAdvice()),
            _ => throw new CliException(Texts.TypeSeveral(candidates.Count, target), Texts.TypeSeveralAdvice()) { Details = names },
        };
    }

    private static string[] Names(Type type) => [type.Name, type.FullName!.Replace('+', '.')];

    private static WorkerSettings Make(Type type)
    {
        if (type.GetConstructor(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance, []) is not { } constructor)
        {
            throw new CliException(Texts.TypeNoConstructor(type.FullName!), Texts.TypeNoConstructorAdvice());
        }

        try
        {
            return (WorkerSettings)constructor.Invoke([]);
        }
        catch (TargetInvocationException exception)
        {
            var cause = exception.InnerException ?? exception;
            throw new CliException(Texts.TypeConstructorThrows(type.FullName!, cause.GetType().Name, cause.Message), Texts.TypeConstructorThrowsAdvice(), innerException: cause);
        }
    }

    private static Type[] TypesOf(Assembly assembly, string target)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException exception)
        {
            throw new CliException(Texts.TargetDependencies(target), Texts.TargetDependenciesAdvice(), innerException: exception)
            {
                Details = [.. exception.LoaderExceptions.Select(e => e!.Message).Distinct().Take(5)],
            };
        }
    }
}
