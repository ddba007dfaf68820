using Microsoft.Extensions.Logging;
using RabbitArq.Brokers;
using RabbitArq.Diagnostics;

namespace RabbitArq.Hosting.Settings;

/// <summary>Settings with every source applied, where each value came from, and what was wrong.</summary>
internal sealed class ResolvedSettings(SettingsTarget target)
{
    private int _reported;

    public WorkerSettings Worker => target.Worker;

    public ClientSettings Client => target.Client;

    /// <summary>Where each effective value came from.</summary>
    public IReadOnlyDictionary<Setting, SettingOrigin> Origins { get; init; } = new Dictionary<Setting, SettingOrigin>();

    /// <summary>Mistakes; with any, nothing may start.</summary>
    public IReadOnlyList<string> Errors { get; init; } = [];

    /// <summary>What was ignored.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Nobody named a broker, so it is the embedded one.</summary>
    public bool IsEmbeddedByDefault { get; init; }

    /// <summary>The effective value of a setting for people, without secrets.</summary>
    /// <remarks>A URL that was put where no URL belongs may hold a password all the same.</remarks>
    public string? Show(Setting setting) =>
        setting.Show(target) is { } text && text.Contains("://", StringComparison.Ordinal) ? BrokerUrl.Mask(text) : setting.Show(target);

    /// <exception cref="InvalidSettingsException">There are mistakes.</exception>
    public void ThrowIfInvalid()
    {
        if (Errors.Count > 0)
        {
            throw new InvalidSettingsException(Errors);
        }
    }

    /// <summary>Logs the warnings and the choice of the embedded broker; once, whoever asks first.</summary>
    public void Report(ILogger logger)
    {
        if (Interlocked.Exchange(ref _reported, 1) != 0)
        {
            return;
        }

        foreach (var warning in Warnings)
        {
            logger.SettingIgnored(warning);
        }

        if (IsEmbeddedByDefault)
        {
            logger.EmbeddedBroker(BrokerUrl.Mask(Worker.Connection.Url));
        }
    }
}
