using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using System.Text;
using RabbitArq.Cli.Commands;
using RabbitArq.Cli.Localization;
using RabbitArq.Cli.Output;
using RabbitArq.Cli.Targets;
using Language = RabbitArq.Localization.Language;

namespace RabbitArq.Cli.CommandLine;

/// <summary>The commands and their options. Nothing is done here: each command is a class of its own.</summary>
internal sealed class CommandTree
{
    private readonly Option<bool> _json = new("--json") { Description = Texts.OptionJson(), Recursive = true };
    private readonly Option<string?> _lang = new("--lang") { Description = Texts.OptionLang(), HelpName = "en|zh-CN", Recursive = true };
    private readonly Dictionary<Command, string> _examples = [];

    /// <summary>Parses and runs.</summary>
    /// <returns>0 done, 1 failed, 2 wrong usage.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        if (!TrySetLanguage(args, out var wrongLanguage))
        {
            await Console.Error.WriteLineAsync($"{Texts.ErrorPrefix()} {Texts.LangUnknown(wrongLanguage)}");
            return ExitCode.Usage;
        }

        var root = new CommandTree().Build();
        var result = root.Parse(args);
        if (result.Action is ParseErrorAction)
        {
            return ReportUsage(result, args.Contains("--json"));
        }

        // The worker handles signals itself; the other commands end at once, as any program does.
        return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
    }

    /// <summary>Texts are read when commands are built, so the language must be known before anything is parsed.</summary>
    private static bool TrySetLanguage(string[] args, out string wrong)
    {
        wrong = "";
        for (var i = 0; i < args.Length && args[i] != "--"; i++)
        {
            var value = args[i].StartsWith("--lang=", StringComparison.Ordinal) ? args[i]["--lang=".Length..]
                : args[i] == "--lang" && i + 1 < args.Length ? args[i + 1] : null;
            if (value is null)
            {
                continue;
            }

            if (!value.StartsWith("en", StringComparison.OrdinalIgnoreCase) && !value.StartsWith("zh", StringComparison.OrdinalIgnoreCase))
            {
                wrong = value;
                return false;
            }

            Language.SetForProcess(value);
        }

        // The parser's own words follow the culture.
        try
        {
            CultureInfo.CurrentUICulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.GetCultureInfo(Language.IsChinese ? "zh-CN" : "en");
        }
        catch (CultureNotFoundException)
        {
            // Without the system's culture data the parser speaks English; our own texts need none.
            CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
        }

        return true;
    }

    private static int ReportUsage(ParseResult result, bool json)
    {
        // The parser's Chinese sentences come with a full stop of each kind.
        string[] errors = [.. result.Errors.Select(error => error.Message.Replace("。.", "。", StringComparison.Ordinal))];
        var advice = Texts.UsageAdvice(string.Join(' ', Path(result.CommandResult).Reverse()));
        if (json)
        {
            CliOutput.WriteJsonFailure(errors, advice);
            return ExitCode.Usage;
        }

        foreach (var error in errors)
        {
            Console.Error.WriteLine($"{Texts.ErrorPrefix()} {error}");
        }

        Console.Error.WriteLine(advice);
        return ExitCode.Usage;

        static IEnumerable<string> Path(System.CommandLine.Parsing.SymbolResult? symbol)
        {
            for (; symbol is not null; symbol = symbol.Parent)
            {
                if (symbol is System.CommandLine.Parsing.CommandResult command)
                {
                    yield return command.Command.Name;
                }
            }
        }
    }

    private RootCommand Build()
    {
        var root = new RootCommand(Texts.RootDescription()) { _json, _lang };
        root.Subcommands.Add(Worker());
        root.Subcommands.Add(Enqueue());
        root.Subcommands.Add(QueueInfo());
        root.Subcommands.Add(PurgeQueue());
        root.Subcommands.Add(ValidateConfig());
        _examples[root] = Texts.ExamplesRoot();
        var help = root.Options.OfType<HelpOption>().First();
        help.Description = Texts.OptionHelp();
        root.Options.OfType<VersionOption>().First().Description = Texts.OptionVersion();
        help.Action = new HelpWithExamples((HelpAction)help.Action!, _examples);
        return root;
    }

    private Command Worker()
    {
        var target = new Option<string>("--module", "-m") { Description = Texts.OptionTarget(), HelpName = "TARGET" };
        var command = new Command("worker", Texts.WorkerDescription()) { target };
        command.Validators.Add(result =>
        {
            if (result.GetResult(target) is null)
            {
                result.AddError(Texts.TargetRequired());
            }
        });
        var settings = new SettingOptions(
            command,
            "worker.burst_mode", "worker.burst_timeout", "worker.burst_check_interval", "worker.burst_wait_for_tasks", "rabbitmq.url", "worker.queue_name",
            "rabbitmq.prefetch_count", "worker.max_concurrent_jobs", "worker.name", "logging.level");
        Run(command, Texts.ExamplesWorker(), settings, (result, given, output, stop) => new WorkerCommand(given, output, Loader(output)).RunAsync(result.GetRequiredValue(target), stop));
        return command;
    }

    private Command Enqueue()
    {
        var input = new EnqueueArguments();
        var command = new Command("enqueue", Texts.EnqueueDescription());
        input.AddTo(command);
        var settings = new SettingOptions(command, "rabbitmq.url", "worker.queue_name", "logging.level");
        Run(command, Texts.ExamplesEnqueue(), settings, (result, given, output, stop) => new EnqueueCommand(given, output).RunAsync(input.Read(result), stop));
        return command;
    }

    private Command QueueInfo()
    {
        var queue = new Argument<string?>("QUEUE") { Description = Texts.ArgumentQueue(), Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("queue-info", Texts.QueueInfoDescription()) { queue };
        var settings = new SettingOptions(command, "rabbitmq.url", "logging.level");
        Run(command, Texts.ExamplesQueueInfo(), settings, (result, given, output, stop) => new QueueInfoCommand(given, output).RunAsync(result.GetValue(queue), stop));
        return command;
    }

    private Command PurgeQueue()
    {
        var queue = new Argument<string?>("QUEUE") { Description = Texts.ArgumentQueue(), Arity = ArgumentArity.ZeroOrOne };
        var yes = new Option<bool>("--yes", "-y") { Description = Texts.OptionYes() };
        var command = new Command("purge-queue", Texts.PurgeQueueDescription()) { queue, yes };
        var settings = new SettingOptions(command, "rabbitmq.url", "logging.level");
        Run(command, Texts.ExamplesPurgeQueue(), settings, (result, given, output, stop) =>
            new PurgeQueueCommand(given, output, Console.In, CliOutput.IsInteractive && !output.IsJson).RunAsync(result.GetValue(queue), result.GetValue(yes), stop));
        return command;
    }

    private Command ValidateConfig()
    {
        var target = new Option<string?>("--module", "-m") { Description = Texts.OptionTarget(), HelpName = "TARGET" };
        var command = new Command("validate-config", Texts.ValidateConfigDescription()) { target };
        var settings = new SettingOptions(command, "rabbitmq.url", "worker.queue_name", "rabbitmq.prefetch_count", "worker.max_concurrent_jobs", "worker.name", "logging.level");
        Run(command, Texts.ExamplesValidateConfig(), settings, (result, given, output, stop) => new ValidateConfigCommand(given, output, Loader(output)).RunAsync(result.GetValue(target), stop));
        return command;
    }

    private static TargetLoader Loader(CliOutput output) => new(output.IsJson ? _ => { } : CliOutput.WriteErrorLine);

    /// <summary>Every command ends the same way: its exit code, or what went wrong and what to do.</summary>
    private void Run(
        Command command, string examples, SettingOptions settings, Func<ParseResult, Configuration.CliSettings, CliOutput, CancellationToken, Task<int>> run)
    {
        _examples[command] = examples;
        command.SetAction(async (result, stop) =>
        {
            var given = settings.Read(result);
            var output = new CliOutput(result.GetValue(_json), ShowsStackTraces(given));
            try
            {
                return await run(result, given, output, stop);
            }
#pragma warning disable CA1031 // The end of the program: whatever went wrong is told in words, not as a crash.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                output.WriteFailure(exception);
                return (exception as CliException)?.ExitCode ?? ExitCode.Failed;
            }
        });
    }

    private static bool ShowsStackTraces(Configuration.CliSettings given)
    {
        var level = given.Given.LastOrDefault(one => one.Path == "logging.level")?.Value ?? Environment.GetEnvironmentVariable("ARQ_LOG_LEVEL");
        return level?.Trim().ToLowerInvariant() is "debug" or "trace";
    }
}
