using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RabbitArq.RabbitMQ.Tests;

/// <summary>A certificate authority of the test's own, with what it signed, as files and in memory.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("rabbitarq-tls-").FullName;
    private readonly X509Certificate2 _authority;

    public TestCertificates()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=RabbitArq test authority", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        CaFile = Write("ca.pem", _authority.ExportCertificatePem());
    }

    public string CaFile { get; }

    /// <summary>A server's certificate for a DNS name and the loopback address.</summary>
    public X509Certificate2 Server(string dnsName, bool loopback = true)
    {
        using var signed = Sign("CN=" + dnsName, out var key, extensions =>
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(dnsName);
            if (loopback)
            {
                names.AddIpAddress(IPAddress.Loopback);
            }

            extensions.Add(names.Build());
        });
        using (key)
        {
            return signed.CopyWithPrivateKey(key);
        }
    }

    /// <summary>A client's certificate and key, in two files.</summary>
    public (string CertificateFile, string KeyFile) Client(string name)
    {
        using var signed = Sign("CN=" + name, out var key, _ => { });
        using (key)
        {
            return (Write(name + ".pem", signed.ExportCertificatePem()), Write(name + ".key", key.ExportPkcs8PrivateKeyPem()));
        }
    }

    public string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private X509Certificate2 Sign(string subject, out RSA key, Action<ICollection<X509Extension>> extend)
    {
        key = RSA.Create(2048);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        extend(request.CertificateExtensions);
        return request.Create(
            _authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(12), RandomNumberGenerator.GetBytes(12));
    }
}
