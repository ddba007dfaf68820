namespace RabbitArq.Retries;

/// <summary>Why a job was dead-lettered; becomes headers of the dead letter.</summary>
/// <param name="ErrorType">The exception's class, short.</param>
/// <param name="Message">Its message.</param>
/// <param name="Category">Whether trying again could have helped.</param>
internal sealed record DeadLetterReason(string ErrorType, string Message, FailureCategory Category)
{
    /// <summary>The longest stack trace kept, in characters.</summary>
    public const int MaxStackLength = 8_000;

    /// <summary>The longest message kept, in characters.</summary>
    public const int MaxMessageLength = 2_000;

    /// <summary>The stack trace, bounded; null: none.</summary>
    public string? Stack { get; init; }

    /// <summary>The class of the failure behind <see cref="ErrorType"/>, for example behind <c>MaxRetriesExceeded</c>; null: none.</summary>
    public string? CauseType { get; init; }

    /// <summary>The reason for an exception.</summary>
    /// <param name="exception">The failure.</param>
    /// <param name="category">Its category.</param>
    /// <returns>The reason, bounded in size.</returns>
    public static DeadLetterReason Of(Exception exception, FailureCategory category)
    {
        ArgumentNullException.ThrowIfNull(exception);
        var origin = exception is MaxRetriesExceededException { InnerException: { } cause } ? cause : exception;
        return new DeadLetterReason(ShortNameOf(exception.GetType()), Cut(exception.Message, MaxMessageLength), category)
        {
            Stack = origin.StackTrace is { } stack ? Cut(stack, MaxStackLength) : null,
            CauseType = ReferenceEquals(origin, exception) ? null : ShortNameOf(origin.GetType()),
        };
    }

    private static string ShortNameOf(Type type) =>
        type.Assembly == typeof(DeadLetterReason).Assembly
            ? type.Name.Replace("Exception", "", StringComparison.Ordinal)
            : type.Name;

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..(length - 1)] + "…";
}
