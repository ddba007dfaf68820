namespace RabbitArq.Retries;

/// <summary>What a failure is, as far as trying again goes.</summary>
public enum FailureCategory
{
    /// <summary>Trying again may help: connection, time-out, I/O, or the job asked for it.</summary>
    Retriable,

    /// <summary>Trying again cannot help: wrong argument, type, format, permission, missing member, unknown job.</summary>
    NonRetriable,

    /// <summary>No rule knows it. Not tried again unless <c>RetryUnknownErrors</c> is on.</summary>
    Unknown,
}

/// <summary>
/// Which exceptions are worth another try, by class. The rule of the nearest base class wins; among rules for one class,
/// the last added. Add rules to <c>WorkerSettings.Failures</c> for all jobs or to <c>JobOptions.Failures</c> for one.
/// </summary>
public sealed class FailureRules
{
    private readonly Dictionary<Type, FailureCategory> _rules = [];

    /// <summary>The rules, as they are now.</summary>
    public IReadOnlyDictionary<Type, FailureCategory> Rules => _rules;

    /// <summary>Failures of this class are tried again.</summary>
    /// <typeparam name="TException">The class; subclasses included.</typeparam>
    /// <returns>This.</returns>
    public FailureRules Retry<TException>()
        where TException : Exception => Set(typeof(TException), FailureCategory.Retriable);

    /// <summary>Failures of this class are not tried again.</summary>
    /// <typeparam name="TException">The class; subclasses included.</typeparam>
    /// <returns>This.</returns>
    public FailureRules DoNotRetry<TException>()
        where TException : Exception => Set(typeof(TException), FailureCategory.NonRetriable);

    /// <summary>Sets the rule of one class.</summary>
    /// <param name="exceptionType">A class that derives from <see cref="Exception"/>.</param>
    /// <param name="category">What its failures are.</param>
    /// <returns>This.</returns>
    public FailureRules Set(Type exceptionType, FailureCategory category)
    {
        ArgumentNullException.ThrowIfNull(exceptionType);
        if (!typeof(Exception).IsAssignableFrom(exceptionType))
        {
            throw new ArgumentException(Localization.Texts.NotAnExceptionType(exceptionType.FullName ?? exceptionType.Name), nameof(exceptionType));
        }

        _rules[exceptionType] = category;
        return this;
    }

    /// <summary>What these rules say of a failure.</summary>
    /// <param name="exception">The failure.</param>
    /// <returns>The category; <see cref="FailureCategory.Unknown"/> when no rule names its class or a base class.</returns>
    public FailureCategory Classify(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        for (var type = exception.GetType(); type is not null && type != typeof(object); type = type.BaseType)
        {
            if (_rules.TryGetValue(type, out var category))
            {
                return category;
            }
        }

        return FailureCategory.Unknown;
    }
}
