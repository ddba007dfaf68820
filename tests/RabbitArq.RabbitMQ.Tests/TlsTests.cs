using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>
/// <c>amqps://</c> with the real server behind a proxy that ends TLS with a certificate of the test's own authority.
/// </summary>
public sealed class TlsTests : RabbitMqTest
{
    private const int Unverified = 3007;

    private readonly TestCertificates _certificates = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _certificates.Dispose();
    }

    [Fact]
    public async Task A_server_signed_by_the_given_authority_is_trusted_and_everything_works()
    {
        await using var proxy = Proxy(_certificates.Server("localhost"));
        var broker = await OpenAsync(TestServer.V43, options => With(options, new TlsOptions { CaFile = _certificates.CaFile }), proxy.Url);
        var queue = await DeclareAsync(broker);
        await using var consumer = await broker.ConsumeAsync(new ConsumerSpec(queue, 10), Cancel).Within();

        await PublishAsync(broker, queue, "m");

        await TakeUntilAsync(consumer, ["m"]);
    }

    [Fact]
    public async Task A_server_of_an_unknown_authority_is_refused_loudly()
    {
        await using var proxy = Proxy(_certificates.Server("localhost"));

        var failure = await Should.ThrowAsync<BrokerUnreachableException>(() => OpenAsync(TestServer.V43, url: proxy.Url));

        failure.Message.ShouldContain("TLS");
        failure.Message.ShouldContain("CaFile");
        SaysWhatToDo(failure, TestServer.V43);
    }

    [Fact]
    public async Task A_server_of_another_authority_than_the_given_one_is_refused()
    {
        using var others = new TestCertificates();
        await using var proxy = Proxy(others.Server("localhost"));

        (await Should.ThrowAsync<BrokerUnreachableException>(
            () => OpenAsync(TestServer.V43, options => With(options, new TlsOptions { CaFile = _certificates.CaFile }), proxy.Url)))
            .Message.ShouldContain("TLS");
    }

    [Fact]
    public async Task A_certificate_for_another_host_is_refused_unless_that_name_is_expected()
    {
        await using var proxy = Proxy(_certificates.Server("rabbit.example", loopback: false));

        (await Should.ThrowAsync<BrokerUnreachableException>(
            () => OpenAsync(TestServer.V43, options => With(options, new TlsOptions { CaFile = _certificates.CaFile }), proxy.Url)))
            .Message.ShouldContain("ServerName");

        await OpenAsync(
            TestServer.V43, options => With(options, new TlsOptions { CaFile = _certificates.CaFile, ServerName = "rabbit.example" }), proxy.Url);
    }

    [Fact]
    public async Task Switched_off_verification_takes_any_certificate_and_warns()
    {
        await using var proxy = Proxy(_certificates.Server("elsewhere", loopback: false));
        using var log = new ListLogger();

        await OpenAsync(TestServer.V43, options => With(options, new TlsOptions { VerifyServer = false }, log), proxy.Url);

        log.Entries.ShouldContain(entry => entry.Id == Unverified);
    }

    [Fact]
    public async Task A_client_certificate_is_presented()
    {
        var (certificate, key) = _certificates.Client("worker");
        await using var proxy = Proxy(_certificates.Server("localhost"), clientRequired: true);

        await OpenAsync(
            TestServer.V43,
            options => With(options, new TlsOptions { CaFile = _certificates.CaFile, CertificateFile = certificate, KeyFile = key }),
            proxy.Url);

        proxy.ClientSubjects.ShouldContain("CN=worker");
    }

    [Fact]
    public async Task A_server_that_asks_for_a_client_certificate_refuses_a_client_without_one()
    {
        await using var proxy = Proxy(_certificates.Server("localhost"), clientRequired: true);

        await Should.ThrowAsync<BrokerUnreachableException>(
            () => OpenAsync(TestServer.V43, options => With(options, new TlsOptions { CaFile = _certificates.CaFile }), proxy.Url));
    }

    [Fact]
    public async Task A_port_that_does_not_speak_tls_is_refused()
    {
        await using var plain = new TcpProxy(TestServer.V43.Url);

        var failure = await Should.ThrowAsync<BrokerUnreachableException>(
            () => OpenAsync(TestServer.V43, url: plain.Url.Replace("amqp://", "amqps://", StringComparison.Ordinal)));

        SaysWhatToDo(failure, TestServer.V43);
    }

    [Theory]
    [InlineData("missing.pem", null)]
    [InlineData("empty.pem", "")]
    [InlineData("garbage.pem", "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n")]
    public async Task An_authority_file_that_cannot_be_read_is_named(string file, string? content)
    {
        var path = content is null ? Path.Combine(Path.GetDirectoryName(_certificates.CaFile)!, file) : _certificates.Write(file, content);

        var failure = await Should.ThrowAsync<BrokerUnreachableException>(
            () => OpenAsync(TestServer.V43, options => With(options, new TlsOptions { CaFile = path }), "amqps://a:b@127.0.0.1:1/"));

        failure.Message.ShouldContain(path);
        failure.Message.ShouldContain("CaFile");
    }

    private static BrokerOptions With(BrokerOptions options, TlsOptions tls, ListLogger? log = null) => new()
    {
        Url = options.Url,
        Tls = tls,
        ConnectionTimeout = TimeSpan.FromSeconds(20),
        LoggerFactory = log ?? options.LoggerFactory,
    };

    private static TcpProxy Proxy(X509Certificate2 certificate, bool clientRequired = false) => new(TestServer.V43.Url, new SslServerAuthenticationOptions
    {
        ServerCertificate = certificate,
        ClientCertificateRequired = clientRequired,
        // The test looks at the subject itself.
        RemoteCertificateValidationCallback = (_, client, _, _) => !clientRequired || client is not null,
    });
}
