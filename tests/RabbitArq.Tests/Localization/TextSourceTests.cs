using System.Globalization;
using System.Resources;
using RabbitArq.Localization;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Localization;

public sealed class TextSourceTests
{
    private static readonly TextSource Source = new("RabbitArq.Localization.Texts", typeof(TextSource).Assembly);

    [Fact]
    public void Texts_are_english_or_chinese_by_the_language_of_the_flow()
    {
        Language.SetForFlow("en");
        var english = Texts.BrokerUrlNoScheme();
        Language.SetForFlow("zh-CN");
        var chinese = Texts.BrokerUrlNoScheme();

        english.ShouldBe("It has no scheme.");
        chinese.ShouldNotBe(english);
        chinese.ShouldMatch(@"\p{IsCJKUnifiedIdeographs}");
    }

    [Theory]
    [InlineData("zh", true)]
    [InlineData("zh-CN", true)]
    [InlineData("ZH-Hans", true)]
    [InlineData("zh_CN.UTF-8", true)]
    [InlineData("en", false)]
    [InlineData("de-DE", false)]
    [InlineData("", false)]
    public void Every_name_that_begins_with_zh_is_chinese(string name, bool chinese)
    {
        Language.SetForFlow(name);

        Language.IsChinese.ShouldBe(chinese);
    }

    [Fact]
    public async Task The_language_of_one_flow_is_not_that_of_another()
    {
        var cancel = TestContext.Current.CancellationToken;
        Language.SetForFlow("en");
        await Task.Run(() => Language.SetForFlow("zh"), cancel);
        Language.IsChinese.ShouldBeFalse();

        Language.SetForFlow("zh");
        (await Task.Run(() => Language.IsChinese, cancel)).ShouldBeTrue();
    }

    [Fact]
    public void Values_are_filled_in_by_their_number()
    {
        Language.SetForFlow("en");
        var english = Texts.BrokerSchemeUnknown("ftp", "ftp://host", "amqp, sqlite");
        Language.SetForFlow("zh");
        var chinese = Texts.BrokerSchemeUnknown("ftp", "ftp://host", "amqp, sqlite");

        english.ShouldBe("The scheme 'ftp' of the broker URL 'ftp://host' is not known. Known schemes: amqp, sqlite.");
        chinese.ShouldContain("“ftp://host”的协议“ftp”");
        chinese.ShouldContain("amqp, sqlite");
    }

    [Fact]
    public void Numbers_look_the_same_under_every_culture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("de-DE");
            Language.SetForFlow("en");

            Source.Format([1.5, "x"], nameof(Texts.BrokerUrlUnreadable)).ShouldContain("'1.5'");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("en")]
    [InlineData("zh")]
    public void A_text_that_does_not_exist_is_an_error_that_names_it(string language)
    {
        Language.SetForFlow(language);

        Should.Throw<MissingManifestResourceException>(() => Source.Get("NoSuchText")).Message.ShouldContain("NoSuchText");
    }
}
