using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace RabbitArq.Jobs;

/// <summary>What a job's method returns and how to await it.</summary>
/// <param name="ResultType">The type of the result; null: none.</param>
/// <param name="Await">Awaits what the method returned and gives the result boxed; null: the method is synchronous.</param>
internal sealed record JobReturn(Type? ResultType, Func<object, ValueTask<object?>>? Await)
{
    private static readonly MethodInfo TaskOf = typeof(JobReturn).GetMethod(nameof(AwaitTaskOfAsync), BindingFlags.NonPublic | BindingFlags.Static)!;
    private static readonly MethodInfo ValueTaskOf = typeof(JobReturn).GetMethod(nameof(AwaitValueTaskOfAsync), BindingFlags.NonPublic | BindingFlags.Static)!;

    [RequiresDynamicCode("Makes an awaiter for the method's own result type.")]
    [RequiresUnreferencedCode("Makes an awaiter for the method's own result type.")]
    public static JobReturn Of(Type returnType)
    {
        if (returnType == typeof(void))
        {
            return new JobReturn(null, null);
        }

        if (returnType == typeof(Task))
        {
            return new JobReturn(null, AwaitTaskAsync);
        }

        if (returnType == typeof(ValueTask))
        {
            return new JobReturn(null, AwaitValueTaskAsync);
        }

        if (returnType.IsGenericType)
        {
            var definition = returnType.GetGenericTypeDefinition();
            var method = definition == typeof(Task<>) ? TaskOf : definition == typeof(ValueTask<>) ? ValueTaskOf : null;
            if (method is not null)
            {
                var resultType = returnType.GetGenericArguments()[0];
                return new JobReturn(resultType, method.MakeGenericMethod(resultType).CreateDelegate<Func<object, ValueTask<object?>>>());
            }
        }

        return new JobReturn(returnType, null);
    }

    private static async ValueTask<object?> AwaitTaskAsync(object returned)
    {
        await ((Task)returned).ConfigureAwait(false);
        return null;
    }

    private static async ValueTask<object?> AwaitValueTaskAsync(object returned)
    {
        await ((ValueTask)returned).ConfigureAwait(false);
        return null;
    }

    private static async ValueTask<object?> AwaitTaskOfAsync<T>(object returned) => await ((Task<T>)returned).ConfigureAwait(false);

    private static async ValueTask<object?> AwaitValueTaskOfAsync<T>(object returned) => await ((ValueTask<T>)returned).ConfigureAwait(false);
}
