using System.Runtime.CompilerServices;

namespace RabbitArq;

/// <summary>
/// Settings that know which of them code has set: code wins over command line, environment and file, and
/// <c>validate-config</c> says so.
/// </summary>
public abstract class TrackedSettings
{
    private readonly HashSet<string> _assigned = new(StringComparer.Ordinal);

    private protected TrackedSettings()
    {
    }

    /// <summary>Whether code has set a property. Values that configuration fills in do not count.</summary>
    internal bool IsAssigned(string property) => _assigned.Contains(property);

    /// <summary>Forgets that a property was set: configuration fills values through the same setters.</summary>
    internal void Unassign(string property) => _assigned.Remove(property);

    private protected void Assign<T>(ref T field, T value, [CallerMemberName] string property = "")
    {
        field = value;
        _assigned.Add(property);
    }
}
