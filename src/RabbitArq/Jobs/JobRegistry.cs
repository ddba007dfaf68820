using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;
using RabbitArq.Localization;
using RabbitArq.Retries;

namespace RabbitArq.Jobs;

/// <summary>The jobs of one worker by wire name. Built once, at start; every mistake in any job is found then.</summary>
internal sealed class JobRegistry
{
    private static readonly bool KnowsNullability =
        !AppContext.TryGetSwitch("System.Reflection.NullabilityInfoContext.IsSupported", out var supported) || supported;

    /// <summary>The longest that a timer of the runtime can wait.</summary>
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(49);

    private readonly FrozenDictionary<string, JobDefinition> _jobs;

    private JobRegistry(FrozenDictionary<string, JobDefinition> jobs) => _jobs = jobs;

    public IReadOnlyCollection<string> Names => _jobs.Keys;

    public IEnumerable<JobDefinition> Definitions => _jobs.Values;

    /// <summary>Builds the registry; mistakes go to <paramref name="errors"/>.</summary>
    /// <param name="jobs">What was added.</param>
    /// <param name="services">Tells which parameter types are services.</param>
    /// <param name="json">Tells which parameter types are values.</param>
    /// <param name="errors">Where mistakes go.</param>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "JobCollection.Add, the only way in, carries the warning.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "JobCollection.Add, the only way in, carries the warning.")]
    public static JobRegistry Build(JobCollection jobs, IServiceProvider services, JsonSerializerOptions json, List<string> errors)
    {
        var isService = services.GetService<IServiceProviderIsService>();
        var found = new Dictionary<string, JobDefinition>(StringComparer.Ordinal);
        foreach (var registration in jobs.Registrations)
        {
            if (registration.Error is not null)
            {
                errors.Add(registration.Error);
            }
            else if (Define(registration, isService, json, errors) is { } job && !found.TryAdd(job.Name, job))
            {
                errors.Add(Texts.JobNameTwice(job.Name, found[job.Name].DisplayName, job.DisplayName));
            }
        }

        return new JobRegistry(found.ToFrozenDictionary(StringComparer.Ordinal));
    }

    /// <summary>The job of that name.</summary>
    /// <exception cref="UnknownJobException">There is none.</exception>
    public JobDefinition Resolve(string name) => _jobs.TryGetValue(name, out var job) ? job : throw new UnknownJobException(name, _jobs.Keys);

    public JobDefinition? Find(string name) => _jobs.GetValueOrDefault(name);

    [RequiresUnreferencedCode("Reads the method's parameters.")]
    [RequiresDynamicCode("Makes an awaiter for the method's result.")]
    private static JobDefinition? Define(JobRegistration registration, IServiceProviderIsService? isService, JsonSerializerOptions json, List<string> errors)
    {
        var method = registration.Method!;
        var attribute = method.GetCustomAttribute<JobAttribute>(inherit: true);
        var name = registration.Name ?? attribute?.Name ?? JobNames.FromMethod(method.Name);
        var display = JobDefinition.DisplayNameOf(method, name);
        var before = errors.Count;
        if (string.IsNullOrWhiteSpace(name))
        {
            errors.Add(Texts.JobNameEmpty(display));
        }

        if (method.ContainsGenericParameters)
        {
            errors.Add(Texts.JobMethodGeneric(display));
            return null;
        }

        if (method.ReturnType == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute)))
        {
            errors.Add(Texts.JobMethodAsyncVoid(display));
        }

        var parameters = method.GetParameters().Select(p => DefineParameter(p, display, isService, json, errors)).ToArray();
        var options = OptionsOf(attribute, registration.Options);
        Check(name, options, errors);
        var instance = registration.InstanceType is { } type ? DefineInstance(type, display, isService, errors) : null;
        return errors.Count > before
            ? null
            : new JobDefinition(name, method, registration.Target, instance, parameters!, options, JobReturn.Of(method.ReturnType));
    }

    /// <summary>A registered class comes from the container, with the lifetime it has there; any other is made for each run.</summary>
    private static JobInstance? DefineInstance(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type type,
        string method, IServiceProviderIsService? isService, List<string> errors)
    {
        if (isService?.IsService(type) == true)
        {
            return new JobInstance(services => services.GetRequiredService(type), IsOwned: false);
        }

        var constructors = type.GetConstructors();
        if (type.IsAbstract || constructors.Length == 0)
        {
            errors.Add(Texts.JobClassNotConstructible(method, type.Name));
            return null;
        }

        var missing = constructors
            .Select(c => c.GetParameters()
                .Where(p => !p.HasDefaultValue && !p.IsDefined(typeof(FromKeyedServicesAttribute)) && isService?.IsService(p.ParameterType) == false)
                .Select(p => p.ParameterType.Name))
            .MinBy(parameters => parameters.Count())!.ToList();
        if (missing.Count > 0)
        {
            errors.Add(Texts.JobClassServiceMissing(method, type.Name, string.Join(", ", missing)));
            return null;
        }

        try
        {
            var factory = ActivatorUtilities.CreateFactory(type, Type.EmptyTypes);
            return new JobInstance(services => factory(services, null), IsOwned: true);
        }
        catch (InvalidOperationException)
        {
            // Several constructors that all fit, and none preferred; the container's own rule picks at each run.
            return new JobInstance(services => ActivatorUtilities.CreateInstance(services, type), IsOwned: true);
        }
    }

    private static JobParameter? DefineParameter(
        ParameterInfo parameter, string method, IServiceProviderIsService? isService, JsonSerializerOptions json, List<string> errors)
    {
        var type = parameter.ParameterType;
        var name = parameter.Name ?? parameter.Position.ToString(CultureInfo.InvariantCulture);
        JobParameter Make(JobParameterKind kind) => new(
            name, type, kind, parameter.HasDefaultValue, parameter.HasDefaultValue ? DefaultOf(parameter) : null, AllowsNull(parameter));

        if (type == typeof(JobContext))
        {
            return Make(JobParameterKind.Context);
        }

        if (type == typeof(CancellationToken))
        {
            return Make(JobParameterKind.CancellationToken);
        }

        var unsupported = type.IsByRef ? Texts.JobParameterKindRef()
            : type.IsPointer || type.IsByRefLike ? Texts.JobParameterKindPointer()
            : typeof(Delegate).IsAssignableFrom(type) ? Texts.JobParameterKindDelegate()
            : null;
        if (unsupported is not null)
        {
            errors.Add(Texts.JobParameterUnsupported(method, name, unsupported));
            return null;
        }

        // The container calls every IEnumerable<T> a service (of none); a sequence is an argument.
        var isSequence = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IEnumerable<>);
        if (!isSequence && isService?.IsService(type) == true)
        {
            return Make(JobParameterKind.Service);
        }

        try
        {
            var info = json.GetTypeInfo(type);
            if (type.IsAbstract && info is { Kind: JsonTypeInfoKind.Object, PolymorphismOptions: null })
            {
                throw new NotSupportedException(Texts.JobParameterInterface());
            }

            return Make(JobParameterKind.Argument) with { Json = info };
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException)
        {
            errors.Add(Texts.JobParameterUnsupported(method, name, Texts.JobParameterKindNoJson(type.Name, exception.Message)));
            return null;
        }
    }

    private static bool AllowsNull(ParameterInfo parameter)
    {
        if (parameter.ParameterType.IsValueType)
        {
            return Nullable.GetUnderlyingType(parameter.ParameterType) is not null;
        }

        // Trimmed applications drop the annotations unless told to keep them; then nothing is known, and null passes.
        return !KnowsNullability || new NullabilityInfoContext().Create(parameter).WriteState != NullabilityState.NotNull;
    }

    /// <summary>Reflection reports the default of a struct or enum parameter as null or as its number.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "A struct that is a parameter of a kept method needs no constructor for its zero value.")]
    private static object? DefaultOf(ParameterInfo parameter)
    {
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        return parameter.DefaultValue switch
        {
            null when parameter.ParameterType.IsValueType && type == parameter.ParameterType => RuntimeHelpers.GetUninitializedObject(type),
            { } value when type.IsEnum => Enum.ToObject(type, value),
            var value => value,
        };
    }

    private static JobOptions OptionsOf(JobAttribute? attribute, JobOptions? code)
    {
        var options = new JobOptions
        {
            MaxRetries = code?.MaxRetries ?? (attribute is { MaxRetries: not -1 } ? attribute.MaxRetries : null),
            Timeout = code?.Timeout ?? (attribute is { TimeoutSeconds: not 0 } ? TimeSpan.FromSeconds(attribute.TimeoutSeconds) : null),
            MaxConcurrentJobs = code?.MaxConcurrentJobs ?? (attribute is { MaxConcurrentJobs: not 0 } ? attribute.MaxConcurrentJobs : null),
            MaxPerSecond = code?.MaxPerSecond ?? (attribute is { MaxPerSecond: not 0 } ? attribute.MaxPerSecond : null),
            StoreResult = code?.StoreResult,
            Backoff = code?.Backoff,
        };
        foreach (var type in attribute?.RetryOn ?? [])
        {
            options.Failures.Set(type, FailureCategory.Retriable);
        }

        foreach (var type in attribute?.DoNotRetryOn ?? [])
        {
            options.Failures.Set(type, FailureCategory.NonRetriable);
        }

        foreach (var (type, category) in code?.Failures.Rules ?? new Dictionary<Type, FailureCategory>())
        {
            options.Failures.Set(type, category);
        }

        return options;
    }

    private static void Check(string name, JobOptions options, List<string> errors)
    {
        if (options.MaxRetries is < 0)
        {
            errors.Add(Texts.JobOptionOutOfRange(nameof(JobOptions.MaxRetries), name, options.MaxRetries, ">= 0"));
        }

        if (options.Timeout is { } timeout && (timeout <= TimeSpan.Zero || timeout > LongestTimeout))
        {
            errors.Add(Texts.JobOptionOutOfRange(nameof(JobOptions.Timeout), name, timeout, $"> 0, <= {LongestTimeout}"));
        }

        if (options.MaxConcurrentJobs is < 1)
        {
            errors.Add(Texts.JobOptionOutOfRange(nameof(JobOptions.MaxConcurrentJobs), name, options.MaxConcurrentJobs, ">= 1"));
        }

        if (options.MaxPerSecond is not (null or (>= 0.0001 and <= 1_000_000)))
        {
            errors.Add(Texts.JobOptionOutOfRange(nameof(JobOptions.MaxPerSecond), name, options.MaxPerSecond, "0.0001–1000000"));
        }
    }
}
