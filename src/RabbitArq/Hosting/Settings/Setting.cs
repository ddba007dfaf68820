using RabbitArq.Brokers;
using RabbitArq.Localization;

namespace RabbitArq.Hosting.Settings;

/// <summary>What configuration fills in.</summary>
/// <param name="Worker">The worker, with the connection that client and worker share.</param>
/// <param name="Client">The client.</param>
internal sealed record SettingsTarget(WorkerSettings Worker, ClientSettings Client);

/// <summary>Where a setting has an effect.</summary>
internal enum SettingReach
{
    Everywhere,

    /// <summary>A worker that a host runs leaves it to the host.</summary>
    NotInHost,

    /// <summary>Only the command line can do it.</summary>
    CommandLineOnly,
}

/// <summary>The one declaration of a setting: its names, its range, and the property that holds it.</summary>
internal abstract class Setting
{
    /// <summary>Its key in files: section and name.</summary>
    public required string Key { get; init; }

    /// <summary>Other keys for it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Its short environment variable, beside the one that every key has.</summary>
    public string? Variable { get; init; }

    /// <summary>Its option of the command line.</summary>
    public string? Option { get; init; }

    public SettingReach Reach { get; init; }

    /// <summary>The environment variable that follows from the key: <c>ARQ_WORKER_MAX_RETRIES</c>.</summary>
    public string KeyVariable => "ARQ_" + Key.Replace('.', '_').ToUpperInvariant();

    /// <summary>The name to use in advice.</summary>
    public string BestVariable => Variable ?? KeyVariable;

    /// <summary>What is allowed, in words.</summary>
    public abstract string Allowed { get; }

    /// <summary>Whether a normalized key names this setting, or for a list something in it.</summary>
    public virtual bool Answers(string path) => Paths.Contains(path);

    /// <summary>Whether code has set it.</summary>
    public abstract bool IsAssigned(SettingsTarget target);

    /// <summary>Sets it from what was given at the level that won.</summary>
    public abstract void Apply(SettingsTarget target, IReadOnlyList<GivenSetting> given, ICollection<string> errors);

    /// <summary>Checks a value that code has set.</summary>
    public abstract void Check(SettingsTarget target, ICollection<string> errors);

    /// <summary>The effective value for people, without secrets; null: none.</summary>
    public abstract string? Show(SettingsTarget target);

    /// <summary>A URL may have got where none belongs. A name with an <c>@</c> alone is a name.</summary>
    protected static string? MaskUrl(string? text) => text?.Contains("://", StringComparison.Ordinal) == true ? BrokerUrl.Mask(text) : text;

    protected IEnumerable<string> Paths => Aliases.Prepend(Key).Select(GivenSetting.Normalize);
}

/// <summary>A setting with one value.</summary>
internal sealed class Setting<T> : Setting
{
    public required SettingKind<T> Kind { get; init; }

    /// <summary>The property, as <see cref="TrackedSettings"/> knows it.</summary>
    public required string Property { get; init; }

    /// <summary>The object that has the property.</summary>
    public required Func<SettingsTarget, TrackedSettings> Owner { get; init; }

    public required Func<SettingsTarget, T> Get { get; init; }

    public required Action<SettingsTarget, T> Set { get; init; }

    /// <summary>The effective value, where it follows from other settings when it is not set itself.</summary>
    public Func<SettingsTarget, string?>? Effective { get; init; }

    public override string Allowed => Kind.Allowed();

    public override bool IsAssigned(SettingsTarget target) => Owner(target).IsAssigned(Property);

    public override void Apply(SettingsTarget target, IReadOnlyList<GivenSetting> given, ICollection<string> errors)
    {
        var last = given[^1];
        if (!Kind.Parse(last.Value, out var value) || !Kind.IsAllowed(value))
        {
            errors.Add(Texts.SettingInvalid(Key, last.Shown, last.Origin.ToString(), Allowed));
            return;
        }

        Set(target, value);
        Owner(target).Unassign(Property);
    }

    public override void Check(SettingsTarget target, ICollection<string> errors)
    {
        if (Get(target) is var value && !Kind.IsAllowed(value))
        {
            errors.Add(Texts.SettingInvalid(Key, BrokerUrl.Mask(Kind.Format(value)) ?? "", SettingOrigin.Code.ToString(), Allowed));
        }
    }

    public override string? Show(SettingsTarget target) => MaskUrl(Kind.Format(Get(target)) ?? Effective?.Invoke(target));
}
