using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;

namespace RabbitArq.Jobs;

/// <summary>Where the object comes from that an instance method is called on.</summary>
/// <param name="Make">Gives it for one run.</param>
/// <param name="IsOwned">Whether it was made for this run alone, and is to be disposed after it; else the container owns it.</param>
internal sealed record JobInstance(Func<IServiceProvider, object> Make, bool IsOwned);

/// <summary>What fills one parameter of a job's method.</summary>
internal enum JobParameterKind
{
    Argument,
    Context,
    CancellationToken,
    Service,
}

/// <summary>One parameter of a job's method.</summary>
internal sealed record JobParameter(string Name, Type Type, JobParameterKind Kind, bool HasDefault, object? Default, bool AllowsNull)
{
    /// <summary>How the value is read; only for arguments.</summary>
    public JsonTypeInfo? Json { get; init; }
}

/// <summary>One job that a worker can run: its name, its parameters, how to call it. Immutable.</summary>
internal sealed class JobDefinition
{
    private readonly MethodInvoker _invoker;
    private readonly object? _target;
    private readonly JobInstance? _instance;
    private readonly Func<object, ValueTask<object?>>? _await;
    private readonly int _argumentCount;

    public JobDefinition(string name, MethodInfo method, object? target, JobInstance? instance, JobParameter[] parameters,
        JobOptions options, JobReturn @return)
    {
        Name = name;
        Method = method;
        Parameters = parameters;
        Options = options;
        ResultType = @return.ResultType;
        IsSynchronous = @return.Await is null;
        _await = @return.Await;
        _target = target;
        _instance = instance;
        _invoker = MethodInvoker.Create(method);
        _argumentCount = parameters.Count(p => p.Kind == JobParameterKind.Argument);
    }

    public string Name { get; }

    public MethodInfo Method { get; }

    public JobParameter[] Parameters { get; }

    public JobOptions Options { get; }

    /// <summary>The type of the result; null: the job returns none.</summary>
    public Type? ResultType { get; }

    /// <summary>Whether the body runs on the calling thread until it is done: such a job gets a thread of its own.</summary>
    public bool IsSynchronous { get; }

    public string DisplayName => DisplayNameOf(Method, Name);

    /// <summary>What errors call it: type and method, or, for a lambda, which has no name of its own, where it was added.</summary>
    public static string DisplayNameOf(MethodInfo method, string name) =>
        JobNames.IsLambda(method.Name) ? $"Functions.Add(\"{name}\", …)" : $"{method.DeclaringType?.Name}.{JobNames.SourceName(method.Name)}";

    /// <summary>Binds the arguments; services and context come later, when the run has a scope.</summary>
    public object?[] BindArguments(JobContext context) =>
        Parameters.Length == 0 && context.Envelope.Arguments == Messages.JobArguments.None
            ? []
            : ArgumentBinder.Bind(this, _argumentCount, context.Envelope.Arguments);

    /// <summary>Calls the method and awaits it.</summary>
    /// <param name="context">The run.</param>
    /// <param name="arguments">What <see cref="BindArguments"/> made; its other places are filled here.</param>
    [SuppressMessage("Reliability", "CA2012", Justification = "The value task is returned to the caller, who awaits it once.")]
    public ValueTask<object?> InvokeAsync(JobContext context, object?[] arguments)
    {
        for (var i = 0; i < Parameters.Length; i++)
        {
            switch (Parameters[i].Kind)
            {
                case JobParameterKind.Context: arguments[i] = context; break;
                case JobParameterKind.CancellationToken: arguments[i] = context.CancellationToken; break;
                case JobParameterKind.Service: arguments[i] = context.Services.GetRequiredService(Parameters[i].Type); break;
                default: break;
            }
        }

        if (_instance is null)
        {
            return Call(_target, arguments);
        }

        var target = _instance.Make(context.Services);
        return _instance.IsOwned && target is IAsyncDisposable or IDisposable ? CallAndDisposeAsync(target, arguments) : Call(target, arguments);
    }

    [SuppressMessage("Reliability", "CA2012", Justification = "The value task is returned to the caller, who awaits it once.")]
    private ValueTask<object?> Call(object? target, object?[] arguments)
    {
        object? returned;
        try
        {
            returned = _invoker.Invoke(target, arguments.AsSpan());
        }
        catch (TargetInvocationException exception) when (exception.InnerException is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(exception.InnerException);
            throw;
        }

        if (_await is null)
        {
            return new ValueTask<object?>(ResultType is null ? null : returned);
        }

        return returned is null ? default : _await(returned);
    }

    /// <summary>An instance made for this run is ours to dispose; its injected services belong to the scope.</summary>
    private async ValueTask<object?> CallAndDisposeAsync(object target, object?[] arguments)
    {
        try
        {
            return await Call(target, arguments).ConfigureAwait(false);
        }
        finally
        {
            if (target is IAsyncDisposable asyncDisposable)
            {
                await asyncDisposable.DisposeAsync().ConfigureAwait(false);
            }
            else
            {
                ((IDisposable)target).Dispose();
            }
        }
    }
}
