namespace RabbitArq;

/// <summary>The base of every exception that RabbitArq throws. The message says what happened, with which value, and what to do.</summary>
public abstract class RabbitArqException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened and what to do.</param>
    /// <param name="innerException">What caused it, when something did.</param>
    protected RabbitArqException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
