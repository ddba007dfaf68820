using System.Globalization;
using System.Reflection;
using System.Resources;
using System.Runtime.CompilerServices;

namespace RabbitArq.Localization;

/// <summary>
/// The texts of one assembly in English and Chinese, from <c>Localization/Texts.resx</c> and <c>Texts.zh-CN.resx</c>.
/// Each assembly has a class <c>Texts</c> with one member per key, so that a misspelt key does not compile and the
/// arguments have names.
/// </summary>
internal sealed class TextSource(string baseName, Assembly assembly)
{
    private readonly ResourceManager _english = new(baseName, assembly);
    private readonly ResourceManager _chinese = new(baseName + ".zh-CN", assembly);

    /// <summary>The text of a key, which is the name of the calling member unless given.</summary>
    public string Get([CallerMemberName] string key = "") =>
        (Language.IsChinese ? _chinese.GetString(key, CultureInfo.InvariantCulture) : null)
        ?? _english.GetString(key, CultureInfo.InvariantCulture)
        ?? throw new MissingManifestResourceException($"No text named '{key}' in {baseName}.");

    /// <summary>The text of a key with <c>{0}</c>, <c>{1}</c> … filled in.</summary>
    public string Format(ReadOnlySpan<object?> arguments, [CallerMemberName] string key = "") =>
        string.Format(CultureInfo.InvariantCulture, Get(key), arguments);
}
