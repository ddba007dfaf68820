using RabbitArq.Cli.Localization;

namespace RabbitArq.Cli.Targets;

/// <summary>What a target is made of.</summary>
internal enum TargetForm
{
    Assembly,
    Project,
    SourceFile,
}

/// <summary>Where a worker's class is: a file and, after a colon, a type.</summary>
/// <param name="Path">The file, absolute.</param>
/// <param name="Form">What it is.</param>
/// <param name="TypeName">The type with or without its namespace; null: the only one.</param>
internal sealed record TargetReference(string Path, TargetForm Form, string? TypeName)
{
    /// <exception cref="CliException">There is no such file, or it is of no known form.</exception>
    public static TargetReference Parse(string text)
    {
        var (path, type) = Split(text);
        var full = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(full))
        {
            var projects = Directory.GetFiles(full, "*.*proj");
            return projects.Length == 1
                ? new TargetReference(projects[0], TargetForm.Project, type)
                : throw new CliException(Texts.TargetFolder(full, projects.Length), Texts.TargetFormsAdvice());
        }

        if (!File.Exists(full))
        {
            throw new CliException(Texts.TargetMissing(full), Texts.TargetFormsAdvice());
        }

        TargetForm? form = System.IO.Path.GetExtension(full).ToLowerInvariant() switch
        {
            ".dll" or ".exe" => TargetForm.Assembly,
            ".csproj" or ".fsproj" or ".vbproj" => TargetForm.Project,
            ".cs" => TargetForm.SourceFile,
            _ => null,
        };
        return new TargetReference(full, form ?? throw new CliException(Texts.TargetForm(full), Texts.TargetFormsAdvice()), type);
    }

    /// <summary>A colon may be part of the path: only what can be a type's name is one.</summary>
    private static (string Path, string? Type) Split(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 1 || File.Exists(text))
        {
            return (text, null);
        }

        var type = text[(colon + 1)..];
        var isName = type.Length > 0 && (char.IsLetter(type[0]) || type[0] == '_') && type.All(c => char.IsLetterOrDigit(c) || c is '_' or '.' or '+');
        return isName ? (text[..colon], type) : (text, null);
    }
}
