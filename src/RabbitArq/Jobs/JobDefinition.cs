using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;

namespace RabbitArq.Jobs;

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
    private readonly ObjectFactory? _makeInstance;
    private readonly Func<object, ValueTask<object?>>? _await;
    private readonly int _argumentCount;

    public JobDefinition(string name, MethodInfo method, object? target, ObjectFactory? makeInstance, JobParameter[] parameters,
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
        _makeInstance = makeInstance;
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

    public string DisplayName => DisplayNameOf(Method);

    public static string DisplayNameOf(MethodInfo method) => $"{method.DeclaringType?.Name}.{method.Name}";

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

        var target = _makeInstance is null ? _target : _makeInstance(context.Services, null);
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
            return DisposeAfterAsync(target, new ValueTask<object?>(ResultType is null ? null : returned));
        }

        return DisposeAfterAsync(target, returned is null ? default : _await(returned));
    }

    /// <summary>An instance made for this run is ours to dispose; its injected services belong to the scope.</summary>
    private ValueTask<object?> DisposeAfterAsync(object? target, ValueTask<object?> running)
    {
        return _makeInstance is not null && target is IAsyncDisposable or IDisposable ? AwaitThenDisposeAsync(target, running) : running;

        static async ValueTask<object?> AwaitThenDisposeAsync(object target, ValueTask<object?> running)
        {
            try
            {
                return await running.ConfigureAwait(false);
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
}
