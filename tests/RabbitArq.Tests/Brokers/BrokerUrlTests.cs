using FsCheck;
using FsCheck.Fluent;
using RabbitArq.Brokers;
using RabbitArq.Localization;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Brokers;

public sealed class BrokerUrlTests
{
    /// <summary>Capitals, and all that has a meaning in a URL. The rest of a generated URL is in small letters.</summary>
    private const string PasswordSigns = "ABCDEFGHIJKLMNOPQRSTUVWXYZ@:/?#%&=+;,[]!$'()*~ \\";

    [Theory]
    [InlineData("amqp://guest:s3cret@host:5672/vhost", "amqp://guest:***@host:5672/vhost")]
    [InlineData("amqp://guest:s3cret@host", "amqp://guest:***@host")]
    [InlineData("amqps://guest:p@ss@host/%2f", "amqps://guest:***@host/%2f")]
    [InlineData("amqps://guest:p:w@host/v", "amqps://guest:***@host/v")]
    [InlineData("amqp://guest:p/w@host/v", "amqp://guest:***@host/v")]
    [InlineData("amqp://guest:p?w@host/v", "amqp://guest:***@host/v")]
    [InlineData("amqp://guest:p?k=w@host/v", "amqp://guest:***@host/v")]
    [InlineData("amqp://guest:p@q?r@host/v?k=s3cret", "amqp://guest:***@host/v?k=***")]
    [InlineData("amqp://guest:p#w@host/v", "amqp://guest:***@host/v")]
    [InlineData("amqp://guest:p://w@host/v", "amqp://guest:***@host/v")]
    [InlineData("amqp://guest:@host/v", "amqp://guest:***@host/v")]
    [InlineData("amqp://token@host/v", "amqp://***@host/v")]
    [InlineData("redis://:s3cret@host:6379/0", "redis://:***@host:6379/0")]
    [InlineData("amqp:guest:s3cret@host", "amqp:***@host")]
    [InlineData("guest:s3cret@host", "guest:***@host")]
    [InlineData("s3cret@host", "***@host")]
    [InlineData("sqlite:jobs.db?Password=s3cret", "sqlite:jobs.db?Password=***")]
    [InlineData("amqp://guest:s3cret@host/v?heartbeat=5&key=s3cret", "amqp://guest:***@host/v?heartbeat=***&key=***")]
    [InlineData("sqlite:jobs.db?Password=a=s3cret", "sqlite:jobs.db?Password=***")]
    public void Secrets_are_masked(string url, string masked)
    {
        BrokerUrl.Mask(url).ShouldBe(masked);
    }

    [Theory]
    [InlineData("amqp://host:5672/vhost")]
    [InlineData("sqlite:jobs.db")]
    [InlineData("sqlite::memory:")]
    [InlineData("sqlite:C:\\data\\任务.db")]
    [InlineData(BrokerUrl.Default)]
    [InlineData("not a url")]
    [InlineData("")]
    [InlineData(null)]
    public void A_url_without_a_secret_stays_as_it_is(string? url)
    {
        BrokerUrl.Mask(url).ShouldBe(url);
    }

    [Fact]
    public void Not_one_sign_of_any_password_survives()
    {
        var passwords = Gen.Elements(PasswordSigns.ToCharArray()).ArrayOf().Where(signs => signs.Length > 0).Select(signs => new string(signs));
        var heads = Gen.Elements("amqp://user:", "amqps://user:", "amqp://:", "redis://:", "amqp://us%40er:", "user:", ":");
        var tails = Gen.Elements(
            "@host", "@host:5672/", "@host:5672/vhost", "@10.0.0.1/%2f", "@[::1]:5672/v", "@host/v?heartbeat=5", "@host/v?a=b&c=d#e", "@");
        var urls = from password in passwords
                   from head in heads
                   from tail in tails
                   where head.Contains("://", StringComparison.Ordinal) || !password.StartsWith("//", StringComparison.Ordinal)
                   select (Password: password, Url: head + password + tail);

        Prop.ForAll(
            urls.ToArbitrary(),
            generated =>
            {
                var masked = BrokerUrl.Mask(generated.Url);
                masked.ShouldContain("***");
                masked.Any(char.IsUpper).ShouldBeFalse($"{generated.Url} became {masked}");
                (generated.Password.Length > 3 && masked.Contains(generated.Password, StringComparison.Ordinal)).ShouldBeFalse(masked);
            }).Check(Configured(3000));
    }

    [Fact]
    public void Masking_what_is_masked_changes_nothing()
    {
        var texts = Gen.Elements("ab:@/?&=#*. ".ToCharArray()).ArrayOf().Select(signs => new string(signs));

        Prop.ForAll(
            texts.ToArbitrary(),
            text =>
            {
                var once = BrokerUrl.Mask(text);
                BrokerUrl.Mask(once).ShouldBe(once, text);
            }).Check(Configured(3000));
    }

    [Theory]
    [InlineData("amqp://host", "amqp")]
    [InlineData("AMQPS://host", "amqps")]
    [InlineData("sqlite::memory:", "sqlite")]
    [InlineData("sqlite:jobs.db", "sqlite")]
    public void The_scheme_is_what_stands_before_the_first_colon(string url, string scheme)
    {
        BrokerUrl.SchemeOf(url).ShouldBe(scheme);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData(null)]
    public void An_empty_url_is_an_error_that_says_where_to_set_one(string? url)
    {
        Should.Throw<BrokerUrlException>(() => BrokerUrl.SchemeOf(url!)).Message.ShouldContain("RABBITMQ_URL");
    }

    [Theory]
    [InlineData("jobs.db", "en")]
    [InlineData("://host", "en")]
    [InlineData("jobs.db", "zh")]
    [InlineData(":S3cret@host", "zh")]
    public void A_url_without_a_scheme_is_an_error_that_shows_it_without_secrets(string url, string language)
    {
        Language.SetForFlow(language);

        var failure = Should.Throw<BrokerUrlException>(() => BrokerUrl.SchemeOf(url));

        failure.Message.ShouldContain(BrokerUrl.Mask(url));
        failure.Message.ShouldContain("sqlite:jobs.db");
        failure.Message.ShouldNotContain("S3cret");
    }

    private static Config Configured(int tests) => Config.QuickThrowOnFailure.WithMaxTest(tests);
}
