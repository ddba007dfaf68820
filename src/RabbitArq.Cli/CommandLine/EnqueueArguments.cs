using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using RabbitArq.Cli.Commands;
using RabbitArq.Cli.Localization;
using RabbitArq.Hosting.Settings;

namespace RabbitArq.Cli.CommandLine;

/// <summary>What <c>enqueue</c> takes beside settings.</summary>
internal sealed class EnqueueArguments
{
    private readonly Argument<string> _function = new("FUNCTION") { Description = Texts.ArgumentFunction() };
    private readonly Argument<string[]> _args = new("ARGS") { Description = Texts.ArgumentArgs(), Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string?> _kwargs = new("--kwargs") { Description = Texts.OptionKwargs(), HelpName = "JSON" };
    private readonly Option<string?> _jobId = new("--job-id") { Description = Texts.OptionJobId(), HelpName = "ID" };
    private readonly Option<TimeSpan?> _deferBy = Duration("--defer-by", Texts.OptionDeferBy(), never: false);
    private readonly Option<DateTimeOffset?> _deferUntil = new("--defer-until") { Description = Texts.OptionDeferUntil(), HelpName = "TIME", CustomParser = ReadTime };
    private readonly Option<TimeSpan?> _expires = Duration("--expires", Texts.OptionExpires(), never: true);
    private readonly Option<byte?> _priority = new("--priority") { Description = Texts.OptionPriority(), HelpName = "0-255", CustomParser = ReadPriority };
    private readonly Option<string[]> _headers = new("--header") { Description = Texts.OptionHeader(), HelpName = "KEY=VALUE" };

    public void AddTo(Command command)
    {
        _headers.Validators.Add(result =>
        {
            foreach (var pair in result.Tokens.Where(token => token.Value.IndexOf('=', StringComparison.Ordinal) <= 0))
            {
                result.AddError(Texts.PairInvalid("--header", pair.Value));
            }
        });
        command.Validators.Add(result =>
        {
            if (result.GetResult(_deferBy) is not null && result.GetResult(_deferUntil) is not null)
            {
                result.AddError(Texts.NotTogether("--defer-by", "--defer-until"));
            }
        });
        command.Arguments.Add(_function);
        command.Arguments.Add(_args);
        foreach (var option in (Option[])[_kwargs, _jobId, _deferBy, _deferUntil, _expires, _priority, _headers])
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="CliException">A misspelt option would be enqueued as an argument.</exception>
    public EnqueueInput Read(ParseResult result)
    {
        var beforeDashes = result.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash);
        if (beforeDashes.FirstOrDefault(token => token.Type == TokenType.Argument && token.Value is ['-', '-' or (>= 'A' and <= 'z'), ..]) is { } unknown
            && (result.GetValue(_args) ?? []).Contains(unknown.Value))
        {
            throw new CliException(Texts.OptionUnknown(unknown.Value), Texts.OptionUnknownAdvice(unknown.Value), ExitCode.Usage);
        }

        var headers = (result.GetValue(_headers) ?? []).Select(pair => pair.Split('=', 2))
            .GroupBy(pair => pair[0].Trim(), StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => (object?)group.Last()[1], StringComparer.Ordinal);
        return new EnqueueInput(result.GetRequiredValue(_function), result.GetValue(_args) ?? [], result.GetValue(_kwargs), new EnqueueOptions
        {
            JobId = result.GetValue(_jobId),
            DeferBy = result.GetValue(_deferBy),
            DeferUntil = result.GetValue(_deferUntil),
            Expires = result.GetValue(_expires),
            Priority = result.GetValue(_priority),
            Headers = headers.Count == 0 ? null : headers,
        });
    }

    private static Option<TimeSpan?> Duration(string name, string description, bool never) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (never && text.Equals("never", StringComparison.OrdinalIgnoreCase))
            {
                return Timeout.InfiniteTimeSpan;
            }

            if (DurationText.TryParse(text, out var duration) && duration >= TimeSpan.Zero)
            {
                return duration;
            }

            result.AddError(Texts.OptionInvalid(name, text, never ? Texts.AllowedDurationOrNever() : Texts.AllowedDuration()));
            return null;
        },
    };

    private static DateTimeOffset? ReadTime(ArgumentResult result)
    {
        if (DateTimeOffset.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var time))
        {
            return time;
        }

        result.AddError(Texts.OptionInvalid("--defer-until", result.Tokens[0].Value, Texts.AllowedTime()));
        return null;
    }

    private static byte? ReadPriority(ArgumentResult result)
    {
        if (byte.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var priority))
        {
            return priority;
        }

        result.AddError(Texts.OptionInvalid("--priority", result.Tokens[0].Value, Texts.AllowedPriority()));
        return null;
    }
}
