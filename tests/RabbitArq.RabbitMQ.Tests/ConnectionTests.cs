using System.Net;
using System.Net.Sockets;
using RabbitArq.Brokers;
using RabbitArq.Conformance;
using Shouldly;
using Xunit;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>Opening: every way to fail has its type, ends in bounded time and says what to do.</summary>
public sealed class ConnectionTests : RabbitMqTest
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_wrong_password_is_an_authentication_error_that_names_the_user(string name)
    {
        var server = TestServer.Named(name);
        var uri = new Uri(server.Url);
        var url = $"amqp://{uri.UserInfo.Split(':')[0]}:wr0ng-{server.Password}@{uri.Authority}/";

        var failure = await Should.ThrowAsync<BrokerAuthenticationException>(() => TryAsync(url));

        failure.Message.ShouldContain($"'{uri.UserInfo.Split(':')[0]}'");
        failure.Message.ShouldContain("add_user");
        SaysWhatToDo(failure, server);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_missing_virtual_host_is_an_access_error_that_names_it(string name)
    {
        var server = TestServer.Named(name);

        var failure = await Should.ThrowAsync<BrokerAccessException>(() => TryAsync(WithVhost(server, "no-such-vhost")));

        failure.Message.ShouldContain("'no-such-vhost'");
        failure.Message.ShouldContain("add_vhost");
        SaysWhatToDo(failure, server);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_virtual_host_that_is_not_open_to_the_user_is_an_access_error(string name)
    {
        var server = TestServer.Named(name);
        var vhost = "closed-" + Guid.NewGuid().ToString("N")[..8];
        await server.ControlAsync("add_vhost", vhost);
        try
        {
            var failure = await Should.ThrowAsync<BrokerAccessException>(() => TryAsync(WithVhost(server, vhost)));

            failure.Message.ShouldContain(vhost);
            failure.Message.ShouldContain("set_permissions");
            SaysWhatToDo(failure, server);
        }
        finally
        {
            await server.ControlAsync("delete_vhost", vhost);
        }
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_unreachable()
    {
        var server = TestServer.V43;
        using var unused = new TcpListener(IPAddress.Loopback, 0);
        unused.Start();
        var port = ((IPEndPoint)unused.LocalEndpoint).Port;
        unused.Stop();

        var failure = await Should.ThrowAsync<BrokerUnreachableException>(() => TryAsync($"amqp://arq:{server.Password}@127.0.0.1:{port}/"));

        failure.Message.ShouldContain($"127.0.0.1:{port}");
        failure.Message.ShouldContain("Nobody listens");
        SaysWhatToDo(failure, server);
    }

    [Fact]
    public async Task A_name_that_does_not_resolve_is_unreachable_and_named()
    {
        var server = TestServer.V43;

        var failure = await Should.ThrowAsync<BrokerUnreachableException>(() => TryAsync($"amqp://arq:{server.Password}@rabbit.invalid/"));

        failure.Message.ShouldContain("'rabbit.invalid'");
        failure.Message.ShouldContain("does not resolve");
        SaysWhatToDo(failure, server);
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_unreachable_within_the_connection_timeout()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        var failure = await Should.ThrowAsync<BrokerUnreachableException>(
            () => TryAsync($"amqp://a:b@127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/", TimeSpan.FromSeconds(1)));

        failure.Message.ShouldContain("1 s");
        failure.Message.ShouldContain("ConnectionTimeout");
    }

    [Fact]
    public async Task A_server_that_speaks_something_else_is_unreachable()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var answering = Task.Run(
            async () =>
            {
                using var client = await other.AcceptTcpClientAsync(Cancel);
                await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"u8.ToArray(), Cancel);
            },
            Cancel);

        await Should.ThrowAsync<BrokerUnreachableException>(
            () => TryAsync($"amqp://a:b@127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}/", TimeSpan.FromSeconds(5)));
        await answering.Within();
    }

    [Fact]
    public async Task Opening_can_be_cancelled()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var cancel = new CancellationTokenSource();
        var opening = new RabbitMqBrokerFactory().OpenAsync(
            new BrokerOptions { Url = $"amqp://a:b@127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/" }, cancel.Token);

        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => opening.Within(Bound));
    }

    [Theory]
    [InlineData("amqp:///vhost")]
    [InlineData("amqp://host:port/")]
    [InlineData("amqp://host/a/b")]
    [InlineData("amqp://host/?no_such_key=1")]
    public async Task A_url_that_cannot_be_read_is_refused(string url)
    {
        await Should.ThrowAsync<BrokerUrlException>(() => TryAsync(url));
    }

    [Fact]
    public async Task A_client_that_only_publishes_has_one_connection_and_a_consuming_one_two()
    {
        await using var proxy = new TcpProxy(TestServer.V43.Url);
        var broker = await OpenAsync(TestServer.V43, url: proxy.Url);
        var queue = await DeclareAsync(broker);
        await PublishAsync(broker, queue, "a");
        await broker.Inspector.FindQueueAsync(queue, Cancel).Within();
        proxy.Accepted.ShouldBe(1);

        await using var consumer = await broker.ConsumeAsync(new(queue, 10), Cancel).Within();
        await PublishAsync(broker, queue, "b");
        await TakeUntilAsync(consumer, ["a", "b"]);

        proxy.Accepted.ShouldBe(2);
    }

    private static string WithVhost(TestServer server, string vhost)
    {
        var uri = new Uri(server.Url);
        return $"amqp://{uri.UserInfo}@{uri.Authority}/{vhost}";
    }

    private static async Task TryAsync(string url, TimeSpan? timeout = null)
    {
        await using var broker = await new RabbitMqBrokerFactory()
            .OpenAsync(new BrokerOptions { Url = url, ConnectionTimeout = timeout ?? TimeSpan.FromSeconds(10) }, Cancel).Within(Bound);
    }
}
