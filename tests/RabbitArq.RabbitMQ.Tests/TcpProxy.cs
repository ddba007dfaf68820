using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>
/// A wire between a client and the real server that a test can cut, refuse or freeze, and that may end TLS. What goes
/// through it is not changed.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, byte> _open = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Uri _target;
    private readonly SslServerAuthenticationOptions? _tls;
    private readonly Task _accepting;
    private volatile bool _refusing;
    private volatile TaskCompletionSource _flow = Open();

    /// <param name="targetUrl">The server's URL.</param>
    /// <param name="tls">Ends TLS with these options; null: plain.</param>
    public TcpProxy(string targetUrl, SslServerAuthenticationOptions? tls = null)
    {
        _target = new Uri(targetUrl);
        _tls = tls;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port { get; }

    /// <summary>The server's URL through this proxy.</summary>
    public string Url => $"{(_tls is null ? "amqp" : "amqps")}://{_target.UserInfo}@127.0.0.1:{Port}{_target.AbsolutePath}";

    /// <summary>Connections accepted so far.</summary>
    public int Accepted { get; private set; }

    /// <summary>Why TLS handshakes failed on this side.</summary>
    public ConcurrentBag<Exception> HandshakeFailures { get; } = [];

    /// <summary>The client certificates that were presented.</summary>
    public ConcurrentBag<string> ClientSubjects { get; } = [];

    /// <summary>Cuts every connection without a word.</summary>
    public void Cut()
    {
        foreach (var client in _open.Keys)
        {
            client.Close();
        }
    }

    /// <summary>Cuts every connection and refuses new ones until <see cref="Accept"/>.</summary>
    public void Refuse()
    {
        _refusing = true;
        Cut();
    }

    /// <summary>Takes connections again.</summary>
    public void Accept() => _refusing = false;

    /// <summary>Moves no more bytes; both ends believe that the connection is fine.</summary>
    public void Freeze() => _flow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Moves bytes again, also those that waited.</summary>
    public void Thaw() => _flow.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Thaw();
        Cut();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static TaskCompletionSource Open()
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        source.SetResult();
        return source;
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            Accepted++;
            if (_refusing)
            {
                client.Close();
            }
            else
            {
                _ = Task.Run(() => ServeAsync(client));
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        _open[client] = 0;
        try
        {
            await server.ConnectAsync(_target.Host, _target.Port, _stop.Token);
            await using var near = await SecureAsync(client.GetStream());
            await using var far = server.GetStream();
            await Task.WhenAny(PumpAsync(near, far), PumpAsync(far, near));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException
            or System.Security.Authentication.AuthenticationException)
        {
            HandshakeFailures.Add(e);
        }
        finally
        {
            _open.TryRemove(client, out _);
            client.Close();
        }
    }

    private async Task<Stream> SecureAsync(NetworkStream stream)
    {
        if (_tls is null)
        {
            return stream;
        }

        var secured = new SslStream(stream);
        await secured.AuthenticateAsServerAsync(_tls, _stop.Token);
        if (secured.RemoteCertificate is X509Certificate2 certificate)
        {
            ClientSubjects.Add(certificate.Subject);
        }

        return secured;
    }

    private async Task PumpAsync(Stream from, Stream to)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReadAsync(buffer, _stop.Token) is > 0 and var count)
        {
            await _flow.Task.WaitAsync(_stop.Token);
            await to.WriteAsync(buffer.AsMemory(0, count), _stop.Token);
            await to.FlushAsync(_stop.Token);
        }
    }
}
