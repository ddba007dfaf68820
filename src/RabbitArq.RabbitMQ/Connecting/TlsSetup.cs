using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RabbitArq.RabbitMQ.Localization;
using RabbitMQ.Client;

namespace RabbitArq.RabbitMQ.Connecting;

/// <summary>Turns <see cref="TlsOptions"/> into the client's TLS options. Verification is on unless switched off.</summary>
internal static class TlsSetup
{
    /// <exception cref="BrokerUnreachableException">A certificate file cannot be read.</exception>
    public static SslOption Create(AmqpAddress address, TlsOptions options)
    {
        var ssl = new SslOption
        {
            Enabled = true,
            ServerName = options.ServerName ?? address.Host,
            // None: the operating system's choice, which follows its security policy.
            Version = SslProtocols.None,
        };
        if (options.CertificateFile is { Length: > 0 } certificateFile)
        {
            ssl.Certs = [ReadClientCertificate(certificateFile, options.KeyFile)];
        }

        if (!options.VerifyServer)
        {
#pragma warning disable CA5359 // The user switched verification off; the factory logs a warning.
            ssl.CertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (options.CaFile is { Length: > 0 } caFile)
        {
            var authorities = ReadAuthorities(caFile);
            ssl.CertificateValidationCallback = (_, certificate, _, errors) => IsSignedBy(authorities, certificate, errors);
        }

        return ssl;
    }

    private static bool IsSignedBy(X509Certificate2Collection authorities, X509Certificate? certificate, SslPolicyErrors errors)
    {
        // A wrong host name or a missing certificate stays an error; only "unknown authority" is judged anew.
        if (certificate is not X509Certificate2 server || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        // A private authority seldom publishes a revocation list.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(server);
    }

    private static X509Certificate2Collection ReadAuthorities(string file)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(file);
            return authorities.Count > 0
                ? authorities
                : throw new BrokerUnreachableException(Texts.TlsFileUnreadable("CaFile", file, Texts.TlsFileEmpty()));
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new BrokerUnreachableException(Texts.TlsFileUnreadable("CaFile", file, e.Message), e);
        }
    }

    private static X509Certificate2 ReadClientCertificate(string file, string? keyFile)
    {
        try
        {
            var isPkcs12 = Path.GetExtension(file).ToUpperInvariant() is ".P12" or ".PFX";
            return isPkcs12
                ? X509CertificateLoader.LoadPkcs12FromFile(file, null)
                : X509Certificate2.CreateFromPemFile(file, keyFile is { Length: > 0 } ? keyFile : file);
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new BrokerUnreachableException(Texts.TlsFileUnreadable("CertificateFile", file, e.Message), e);
        }
    }
}
