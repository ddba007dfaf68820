using System.CommandLine;
using RabbitArq.Cli.Configuration;
using RabbitArq.Cli.Localization;
using RabbitArq.Hosting.Settings;

namespace RabbitArq.Cli.CommandLine;

/// <summary>
/// The options that are settings, made from the catalog: they hand on the text as it was written, so that ranges are
/// checked, and mistakes reported, in one place.
/// </summary>
internal sealed class SettingOptions
{
    private readonly List<(Setting Setting, Option Option, Func<ParseResult, string?> Read)> _options = [];
    private readonly Option<string[]> _set = new("--set")
    {
        Description = Texts.OptionSet(),
        HelpName = "KEY=VALUE",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string?> _config = new("--config") { Description = Texts.OptionConfig(), HelpName = "FILE" };

    public SettingOptions(Command command, params string[] keys)
    {
        _set.Validators.Add(result =>
        {
            foreach (var pair in result.Tokens.Where(token => token.Value.IndexOf('=', StringComparison.Ordinal) <= 0))
            {
                result.AddError(Texts.PairInvalid("--set", Brokers.BrokerUrl.Mask(pair.Value)));
            }
        });
        foreach (var key in keys)
        {
            command.Options.Add(Add(SettingsCatalog.Of(key)));
        }

        command.Options.Add(_config);
        command.Options.Add(_set);
    }

    public CliSettings Read(ParseResult result)
    {
        var given = new List<GivenSetting>();
        foreach (var pair in result.GetValue(_set) ?? [])
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            given.Add(new GivenSetting(pair[..equals].Trim(), pair[(equals + 1)..], new SettingOrigin(SettingLevel.CommandLine, "--set")));
        }

        foreach (var (setting, option, read) in _options)
        {
            if (read(result) is { } value)
            {
                given.Add(new GivenSetting(setting.Key, value, new SettingOrigin(SettingLevel.CommandLine, option.Name)));
            }
        }

        return new CliSettings(result.GetValue(_config), given);
    }

    private Option Add(Setting setting)
    {
        var (shortName, flagValue, helpName, description) = setting.Key switch
        {
            "rabbitmq.url" => ("-u", null, "URL", Texts.OptionUrl()),
            "rabbitmq.prefetch_count" => ("-p", null, "N", Texts.OptionPrefetch()),
            "worker.name" => (null, null, "NAME", Texts.OptionWorkerName()),
            "worker.queue_name" => ("-q", null, "QUEUE", Texts.OptionQueue()),
            "worker.max_concurrent_jobs" => (null, null, "N", Texts.OptionConcurrency()),
            "worker.burst_mode" => ("-b", "true", null, Texts.OptionBurst()),
            "worker.burst_timeout" => (null, null, "DURATION", Texts.OptionBurstTimeout()),
            "worker.burst_check_interval" => (null, null, "DURATION", Texts.OptionBurstCheckInterval()),
            "worker.burst_wait_for_tasks" => (null, "false", null, Texts.OptionNoWaitTasks()),
            "logging.level" => ("-l", (string?)null, (string?)"LEVEL", Texts.OptionLogLevel()),
            _ => throw new ArgumentOutOfRangeException(nameof(setting), setting.Key, "No text for this option."),
        };
        var aliases = shortName is null ? Array.Empty<string>() : [shortName];
        description += $" [{(setting.Variable is { } variable ? $"{setting.Key}, {variable}" : setting.Key)}]";
        if (flagValue is not null)
        {
            var flag = new Option<bool>(setting.Option!, aliases) { Description = description };
            _options.Add((setting, flag, result => result.GetValue(flag) ? flagValue : null));
            return flag;
        }

        var option = new Option<string?>(setting.Option!, aliases) { Description = description, HelpName = helpName };
        _options.Add((setting, option, result => result.GetValue(option)));
        return option;
    }
}
