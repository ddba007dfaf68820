using RabbitArq.Cli.CommandLine;

return await CommandTree.RunAsync(args);
