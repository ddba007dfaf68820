using RabbitArq.Cli.Localization;

namespace RabbitArq.Cli.Targets;

/// <summary>Builds a target where it must be built, loads it, and makes its settings.</summary>
internal sealed class TargetLoader(Action<string> note)
{
    /// <exception cref="CliException">It cannot be built or loaded, or has no worker.</exception>
    public async Task<WorkerSettings> LoadAsync(string target, CancellationToken cancellationToken)
    {
        var reference = TargetReference.Parse(target);
        var assemblyPath = reference.Path;
        try
        {
            assemblyPath = reference.Form switch
            {
                TargetForm.Project => await new ProjectBuild(note).RunAsync(reference.Path, cancellationToken),
                TargetForm.SourceFile => await new SourceFileBuild(note).RunAsync(reference.Path, cancellationToken),
                _ => reference.Path,
            };
            var assembly = new TargetLoadContext(assemblyPath).LoadFromAssemblyPath(assemblyPath);
            return SettingsTypes.Create(assembly, reference.TypeName, reference.Path);
        }
        catch (BadImageFormatException exception)
        {
            throw new CliException(Texts.TargetNoAssembly(assemblyPath), Texts.TargetFormsAdvice(), innerException: exception);
        }
        catch (Exception exception) when (exception is FileLoadException or FileNotFoundException or TypeLoadException or MissingMethodException)
        {
            throw new CliException(Texts.TargetDependencies(reference.Path), Texts.TargetDependenciesAdvice(), innerException: exception) { Details = [exception.Message] };
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new CliException(Texts.TargetNotAllowed(assemblyPath, exception.Message), Texts.ConfigNotAllowedAdvice(), innerException: exception);
        }
    }
}
