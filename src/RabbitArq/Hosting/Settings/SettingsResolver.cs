using RabbitArq.Localization;

namespace RabbitArq.Hosting.Settings;

/// <summary>What the place that settings are resolved for means for them.</summary>
internal sealed record SettingsPlace
{
    /// <summary>What has an effect there.</summary>
    public SettingReach Reach { get; init; } = SettingReach.NotInHost;

    /// <summary>Whether a broker URL must be given.</summary>
    public bool IsProduction { get; init; }

    /// <summary>Whether the application brings a broker of its own, with URL schemes that only it knows.</summary>
    public bool HasOwnBrokers { get; init; }
}

/// <summary>
/// Applies sources to settings: defaults &lt; file &lt; environment &lt; command line &lt; code. Mistakes are collected, so that
/// one start shows them all. Only the value that wins is read; what it hides is not.
/// </summary>
internal static class SettingsResolver
{
    /// <param name="worker">The worker; what code has set in it stays.</param>
    /// <param name="client">The client, sharing the worker's connection; what code has set in it stays.</param>
    /// <param name="sources">What was written anywhere; within a level, later wins.</param>
    /// <param name="place">What it is for.</param>
    public static ResolvedSettings Resolve(WorkerSettings worker, ClientSettings client, IReadOnlyList<SettingsSource> sources, SettingsPlace place)
    {
        var target = new SettingsTarget(worker, client);
        var errors = sources.SelectMany(source => source.Errors).ToList();
        var warnings = sources.SelectMany(source => source.Warnings).ToList();
        var origins = new Dictionary<Setting, SettingOrigin>();
        var bySetting = Sort(sources.SelectMany(source => source.Values), warnings);
        foreach (var setting in SettingsCatalog.All)
        {
            var all = bySetting.TryGetValue(setting, out var list) ? list : [];
            if (setting.IsAssigned(target))
            {
                origins[setting] = SettingOrigin.Code;
                setting.Check(target, errors);
                if (all.LastOrDefault(one => one.Origin.Level == SettingLevel.CommandLine) is { } ignored)
                {
                    // Who writes an option wants it; a file or a variable may be meant for other workers.
                    warnings.Add(Texts.SettingOverruledByCode(setting.Key, ignored.Origin.ToString(), setting.Show(target) ?? ""));
                }
            }
            else if (all.Count > 0)
            {
                var level = all.Max(one => one.Origin.Level);
                List<GivenSetting> winners = [.. all.Where(one => one.Origin.Level == level)];
                origins[setting] = winners[^1].Origin;
                setting.Apply(target, winners, errors);
            }
            else
            {
                origins[setting] = SettingOrigin.Default;
            }

            WarnWithoutEffect(setting, origins[setting], place, warnings);
        }

        SettingsRules.Derive(target, origins);
        if (errors.Count == 0)
        {
            // Values that could not be read would only bring follow-up mistakes.
            SettingsRules.Check(target, origins, place, errors, warnings);
        }

        ShareWithClient(worker, client);
        return new ResolvedSettings(target)
        {
            Origins = origins,
            Errors = errors,
            Warnings = warnings,
            IsEmbeddedByDefault = origins[SettingsCatalog.Of("rabbitmq.url")].Level == SettingLevel.Default,
        };
    }

    /// <summary>A worker that runs without host and without command line: the environment fills in what code has not set.</summary>
    public static ResolvedSettings FromEnvironment(WorkerSettings worker)
    {
        var place = new SettingsPlace
        {
            IsProduction = EnvironmentSettings.SaysProduction(),
            HasOwnBrokers = worker.Services.Any(service => service.ServiceType == typeof(Brokers.IBrokerFactory)),
        };
        return Resolve(worker, new ClientSettings(worker.Connection), [EnvironmentSettings.Read()], place);
    }

    private static Dictionary<Setting, List<GivenSetting>> Sort(IEnumerable<GivenSetting> given, List<string> warnings)
    {
        var bySetting = new Dictionary<Setting, List<GivenSetting>>();
        foreach (var one in given)
        {
            if (SettingsCatalog.Find(one.Path) is { } setting)
            {
                bySetting.TryAdd(setting, []);
                bySetting[setting].Add(one);
                continue;
            }

            var known = SettingsCatalog.All.SelectMany(known => known.Aliases.Prepend(known.Key));
            warnings.Add(NearestName.Find(one.Key, known, GivenSetting.Normalize) is { } near
                ? Texts.SettingUnknownNearest(one.Key, one.Origin.ToString(), near)
                : Texts.SettingUnknown(one.Key, one.Origin.ToString()));
        }

        return bySetting;
    }

    private static void WarnWithoutEffect(Setting setting, SettingOrigin origin, SettingsPlace place, List<string> warnings)
    {
        if (origin.Level != SettingLevel.Default && setting.Reach > place.Reach)
        {
            warnings.Add(setting.Reach == SettingReach.CommandLineOnly && place.Reach == SettingReach.NotInHost
                ? Texts.SettingOnlyCommandLine(setting.Key, origin.ToString())
                : Texts.SettingNotInHost(setting.Key, origin.ToString()));
        }
    }

    /// <summary>The client enqueues where the worker works, unless code says otherwise.</summary>
    private static void ShareWithClient(WorkerSettings worker, ClientSettings client)
    {
        Share(nameof(ClientSettings.QueueName), () => client.QueueName = worker.QueueName);
        Share(nameof(ClientSettings.QueueType), () => client.QueueType = worker.QueueType);
        Share(nameof(ClientSettings.QueueMaxPriority), () => client.QueueMaxPriority = worker.QueueMaxPriority);
        Share(nameof(ClientSettings.ResultStoreUrl), () => client.ResultStoreUrl = worker.ResultStoreUrl);
        if (ReferenceEquals(client.Json, Messages.JobJson.Default))
        {
            client.Json = worker.Json;
        }

        void Share(string property, Action copy)
        {
            if (!client.IsAssigned(property))
            {
                copy();
                client.Unassign(property);
            }
        }
    }
}
