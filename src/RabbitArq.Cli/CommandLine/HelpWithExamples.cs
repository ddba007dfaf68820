using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using RabbitArq.Cli.Localization;

namespace RabbitArq.Cli.CommandLine;

/// <summary>The parser's help, and below it how the command is used.</summary>
internal sealed class HelpWithExamples(HelpAction help, IReadOnlyDictionary<Command, string> examples) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        var result = help.Invoke(parseResult);
        if (examples.TryGetValue(parseResult.CommandResult.Command, out var text))
        {
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine(Texts.ExamplesTitle());
            foreach (var line in text.Split('\n'))
            {
                output.WriteLine("  " + line.TrimEnd());
            }

            output.WriteLine();
        }

        return result;
    }
}
