using RabbitArq.Localization;

namespace RabbitArq;

/// <summary>One attempt of a job ran longer than it may. Retriable.</summary>
public sealed class JobTimeoutException : TimeoutException
{
    internal JobTimeoutException(string function, TimeSpan timeout, bool stuck, Exception? innerException = null)
        : base(stuck ? Texts.JobStuck(function, timeout) : Texts.JobTimedOut(function, timeout), innerException)
    {
        Timeout = timeout;
        IsStuck = stuck;
    }

    /// <summary>How long the attempt was allowed to run.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>Whether the body ignored its cancellation token and was abandoned: it may still be running.</summary>
    public bool IsStuck { get; }
}

/// <summary>A worker got a job that it has no method for.</summary>
public sealed class UnknownJobException : RabbitArqException
{
    internal UnknownJobException(string function, IEnumerable<string> known)
        : base(Texts.JobUnknown(function, string.Join(", ", known.Order(StringComparer.Ordinal)))) => Function = function;

    /// <summary>The name in the message.</summary>
    public string Function { get; }
}

/// <summary>A job's arguments do not fit its method.</summary>
public sealed class ArgumentBindingException : RabbitArqException
{
    internal ArgumentBindingException(string function, string? parameter, string problem, Exception? innerException = null)
        : base(Texts.ArgumentsDoNotBind(function, problem), innerException)
    {
        Function = function;
        Parameter = parameter;
    }

    /// <summary>The job.</summary>
    public string Function { get; }

    /// <summary>The parameter that cannot be bound; null when there are arguments without a parameter.</summary>
    public string? Parameter { get; }
}

/// <summary>A job returned what cannot be written as JSON. The job itself has run.</summary>
public sealed class ResultNotSerializableException : RabbitArqException
{
    internal ResultNotSerializableException(string function, Type type, Exception innerException)
        : base(Texts.ResultNotSerializable(function, type.FullName ?? type.Name, innerException.Message), innerException)
    {
    }
}

/// <summary>Jobs or settings are wrong; the message lists every mistake that was found.</summary>
public sealed class InvalidSettingsException : RabbitArqException
{
    internal InvalidSettingsException(IReadOnlyList<string> errors)
        : base(Texts.SettingsInvalid(errors.Count, string.Join(Environment.NewLine, errors.Select(e => "  - " + e)))) => Errors = errors;

    /// <summary>Each mistake: key or method, value received, what is allowed.</summary>
    public IReadOnlyList<string> Errors { get; }
}
