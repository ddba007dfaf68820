using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using RabbitArq.Cli.Configuration;
using RabbitArq.Cli.Localization;
using RabbitArq.Cli.Output;
using RabbitArq.Cli.Targets;
using RabbitArq.Hosting.Settings;
using RabbitArq.Jobs;
using Spectre.Console;

namespace RabbitArq.Cli.Commands;

/// <summary>Shows every effective setting and where it came from, and every mistake; connects to nothing.</summary>
internal sealed class ValidateConfigCommand(CliSettings settings, CliOutput output, TargetLoader targets)
{
    public async Task<int> RunAsync(string? target, CancellationToken cancellationToken)
    {
        var worker = target is null ? new WorkerSettings() : await targets.LoadAsync(target, cancellationToken);
        var resolved = settings.Resolve(worker);
        var errors = resolved.Errors.ToList();
        var jobs = target is null ? [] : JobsOf(worker, errors);
        if (output.IsJson)
        {
            CliOutput.WriteJson(ToJson(resolved, jobs, errors));
        }
        else
        {
            Write(resolved, jobs, errors, target is not null);
        }

        return errors.Count == 0 ? ExitCode.Ok : ExitCode.Failed;
    }

    private static IReadOnlyList<string> JobsOf(WorkerSettings worker, List<string> errors)
    {
        var services = new ServiceCollection();
        services.Add(worker.Services);

        services.AddLogging();
        using var provider = services.BuildServiceProvider();
        return [.. JobRegistry.Build(worker.Functions, provider, worker.Json, errors).Names.Order(StringComparer.Ordinal)];
    }

    private static JsonObject ToJson(ResolvedSettings resolved, IReadOnlyList<string> jobs, List<string> errors) => new()
    {
        ["ok"] = errors.Count == 0,
        ["settings"] = new JsonArray([.. SettingsCatalog.All.Select(setting => (JsonNode)new JsonObject
        {
            ["key"] = setting.Key,
            ["value"] = resolved.Show(setting),
            ["level"] = LevelName(resolved.Origins[setting].Level),
            ["source"] = resolved.Origins[setting].ToString(),
        })]),
        ["jobs"] = new JsonArray([.. jobs.Select(job => (JsonNode)job)]),
        ["errors"] = new JsonArray([.. errors.Select(error => (JsonNode)error)]),
        ["warnings"] = new JsonArray([.. resolved.Warnings.Select(warning => (JsonNode)warning)]),
    };

    private static string LevelName(SettingLevel level) => level switch
    {
        SettingLevel.Default => "default",
        SettingLevel.File => "file",
        SettingLevel.Environment => "environment",
        SettingLevel.CommandLine => "command-line",
        _ => "code",
    };

    private void Write(ResolvedSettings resolved, IReadOnlyList<string> jobs, List<string> errors, bool hasTarget)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns(Texts.ColumnSetting(), Texts.ColumnValue(), Texts.ColumnSource());
        foreach (var setting in SettingsCatalog.All)
        {
            var origin = resolved.Origins[setting];
            var style = origin.Level == SettingLevel.Default ? new Style(decoration: Decoration.Dim) : Style.Plain;
            table.AddRow(new Text(setting.Key, style), new Text(resolved.Show(setting) ?? "–", style), new Text(origin.ToString(), style));
        }

        output.Out.Write(table);
        if (hasTarget)
        {
            CliOutput.WriteLine(Texts.JobsLine(jobs.Count, string.Join(", ", jobs)));
        }

        foreach (var warning in resolved.Warnings)
        {
            CliOutput.WriteErrorLine($"{Texts.WarningPrefix()} {warning}");
        }

        foreach (var error in errors)
        {
            CliOutput.WriteErrorLine($"{Texts.ErrorPrefix()} {error}");
        }

        CliOutput.WriteLine(errors.Count == 0 ? Texts.ConfigValid(resolved.Warnings.Count) : Texts.ConfigInvalid(errors.Count));
    }
}
