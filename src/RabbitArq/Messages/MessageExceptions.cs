using RabbitArq.Localization;

namespace RabbitArq.Messages;

/// <summary>No wire format can read a message. Its bytes are dead-lettered untouched.</summary>
public sealed class UnreadableMessageException : RabbitArqException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="reason">What in the message cannot be read.</param>
    /// <param name="innerException">What the reader said.</param>
    public UnreadableMessageException(string reason, Exception? innerException = null)
        : base(Texts.MessageUnreadable(reason), innerException)
    {
    }
}

/// <summary>An argument of an enqueue cannot be written as JSON.</summary>
public sealed class ArgumentNotSerializableException : RabbitArqException
{
    internal ArgumentNotSerializableException(string argument, Type type, Exception innerException)
        : base(Texts.ArgumentNotSerializable(argument, type.FullName ?? type.Name, innerException.Message), innerException)
    {
        Argument = argument;
        ArgumentType = type;
    }

    /// <summary>The argument's name, or its position from 0.</summary>
    public string Argument { get; }

    /// <summary>The type of its value.</summary>
    public Type ArgumentType { get; }
}
