using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using RabbitArq.Jobs;
using RabbitArq.Localization;

namespace RabbitArq;

/// <summary>The jobs that a worker can run. Mistakes are collected and reported together when the worker starts.</summary>
public sealed class JobCollection
{
    private const string ReflectionReason = "Jobs are found and called by reflection: the trimmer must keep the method's types.";
    private readonly List<JobRegistration> _registrations = [];

    internal IReadOnlyList<JobRegistration> Registrations => _registrations;

    /// <summary>Adds every public method of a class that carries <see cref="JobAttribute"/>; an instance is made from the services of each run.</summary>
    /// <typeparam name="T">The class; constructor parameters are injected.</typeparam>
    /// <returns>This.</returns>
    [RequiresUnreferencedCode(ReflectionReason)]
    [RequiresDynamicCode(ReflectionReason)]
    public JobCollection Add<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class => Add(typeof(T));

    /// <summary>Adds every public method of a class that carries <see cref="JobAttribute"/>; static classes too.</summary>
    /// <param name="type">The class.</param>
    /// <returns>This.</returns>
    [RequiresUnreferencedCode(ReflectionReason)]
    [RequiresDynamicCode(ReflectionReason)]
    public JobCollection Add([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.PublicConstructors)] Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        var methods = type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static)
            .Where(method => method.IsDefined(typeof(JobAttribute), inherit: true)).ToList();
        if (methods.Count == 0)
        {
            _registrations.Add(JobRegistration.Mistake(Texts.JobClassWithoutJobs(type.FullName ?? type.Name)));
        }

        foreach (var method in methods)
        {
            _registrations.Add(new JobRegistration(method, method.IsStatic ? null : type, Target: null, Name: null, Options: null));
        }

        return this;
    }

    /// <summary>Adds a method group or, with a name, a lambda: <c>Add(Images.ResizeAsync)</c>, <c>Add("ping", () =&gt; "pong")</c>.</summary>
    /// <param name="handler">The method.</param>
    /// <param name="configure">Sets retries, time-out and limits of this job.</param>
    /// <returns>This.</returns>
    [RequiresUnreferencedCode(ReflectionReason)]
    [RequiresDynamicCode(ReflectionReason)]
    public JobCollection Add(Delegate handler, Action<JobOptions>? configure = null) => Add(null, handler, configure);

    /// <summary>Adds a method or lambda under a wire name.</summary>
    /// <param name="name">The wire name; null: the attribute's, else the method's in snake_case.</param>
    /// <param name="handler">The method.</param>
    /// <param name="configure">Sets retries, time-out and limits of this job.</param>
    /// <returns>This.</returns>
    [RequiresUnreferencedCode(ReflectionReason)]
    [RequiresDynamicCode(ReflectionReason)]
    public JobCollection Add(string? name, Delegate handler, Action<JobOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (name is null && JobNames.IsLambda(handler.Method.Name) && handler.Method.GetCustomAttribute<JobAttribute>()?.Name is null)
        {
            _registrations.Add(JobRegistration.Mistake(Texts.JobLambdaWithoutName(handler.Method.ToString() ?? handler.Method.Name)));
            return this;
        }

        if (handler.Method.IsStatic && handler.Target is not null)
        {
            // An extension method of an object: the delegate holds its first argument, which a message would be asked for.
            _registrations.Add(JobRegistration.Mistake(Texts.JobDelegateBound(JobDefinition.DisplayNameOf(handler.Method, name ?? ""))));
            return this;
        }

        JobOptions? options = null;
        if (configure is not null)
        {
            configure(options = new JobOptions());
        }

        _registrations.Add(new JobRegistration(handler.Method, InstanceType: null, handler.Target, name, options));
        return this;
    }
}

/// <summary>One job as it was added; or, with <see cref="Error"/>, what was wrong about adding it.</summary>
internal sealed record JobRegistration(
    MethodInfo? Method,
    [property: DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.PublicConstructors)] Type? InstanceType,
    object? Target,
    string? Name,
    JobOptions? Options)
{
    public string? Error { get; private init; }

    public static JobRegistration Mistake(string error) => new(null, null, null, null, null) { Error = error };
}
