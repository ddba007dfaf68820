using RabbitArq.Localization;

namespace RabbitArq.Brokers;

/// <summary>
/// Finds the broker for a URL: first among the factories that the application registered, then in RabbitArq's own packages,
/// which are found by name when the application references them. So changing one URL changes the broker.
/// </summary>
internal static class BrokerFactories
{
    private const string RabbitMqPackage = "RabbitArq.RabbitMQ";
    private const string SqlitePackage = "RabbitArq.Sqlite";

    public static Task<IBroker> OpenAsync(BrokerOptions options, IEnumerable<IBrokerFactory> registered, CancellationToken cancellationToken)
    {
        var scheme = BrokerUrl.SchemeOf(options.Url);
        var factory = registered.FirstOrDefault(f => f.Schemes.Contains(scheme)) ?? scheme switch
        {
            // Constant names: the trimmer understands them and keeps the constructors.
            "amqp" or "amqps" => Make(Type.GetType("RabbitArq.RabbitMQ.RabbitMqBrokerFactory, RabbitArq.RabbitMQ"), scheme, RabbitMqPackage),
            "sqlite" => Make(Type.GetType("RabbitArq.Sqlite.SqliteBrokerFactory, RabbitArq.Sqlite"), scheme, SqlitePackage),
            _ => throw new BrokerUrlException(Texts.BrokerSchemeUnknown(scheme, BrokerUrl.Mask(options.Url), "amqp, amqps, sqlite")),
        };
        return factory.OpenAsync(options, cancellationToken);
    }

    private static IBrokerFactory Make(
        [System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)]
        Type? type, string scheme, string package) =>
        type is not null && Activator.CreateInstance(type) is IBrokerFactory factory
            ? factory
            : throw new BrokerUrlException(Texts.BrokerPackageMissing(scheme, package));
}
