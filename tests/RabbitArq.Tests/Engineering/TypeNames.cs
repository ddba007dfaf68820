using System.Reflection;
using System.Text;

namespace RabbitArq.Tests.Engineering;

/// <summary>Types as C# writes them, with nullability.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(char)] = "char",
    };

    public static string Of(Type type) => Write(type, null);

    public static string Of(ParameterInfo parameter) => Write(parameter.ParameterType, new NullabilityInfoContext().Create(parameter));

    public static string Of(PropertyInfo property) => Write(property.PropertyType, new NullabilityInfoContext().Create(property));

    public static string Of(FieldInfo field) => Write(field.FieldType, new NullabilityInfoContext().Create(field));

    public static string Of(EventInfo @event) => Write(@event.EventHandlerType!, new NullabilityInfoContext().Create(@event));

    /// <summary>The name in a declaration: with the types around it, and with its own parameters and their constraints.</summary>
    public static string Declared(Type type)
    {
        var name = Simple(type);
        if (type.IsGenericTypeDefinition)
        {
            name += "<" + string.Join(", ", type.GetGenericArguments().Select(WithConstraints)) + ">";
        }

        return type.DeclaringType is { } outer ? Declared(outer) + "." + name : name;
    }

    public static string WithConstraints(Type parameter)
    {
        var attributes = parameter.GenericParameterAttributes;
        var constraints = parameter.GetGenericParameterConstraints().Where(type => type != typeof(ValueType)).Select(Of).ToList();
        if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
        {
            constraints.Insert(0, "class");
        }

        if (attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint))
        {
            constraints.Insert(0, "struct");
        }
        else if (attributes.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
        {
            constraints.Add("new()");
        }

        var variance = attributes.HasFlag(GenericParameterAttributes.Covariant) ? "out "
            : attributes.HasFlag(GenericParameterAttributes.Contravariant) ? "in " : "";
        return variance + parameter.Name + (constraints.Count > 0 ? ": " + string.Join(" & ", constraints) : "");
    }

    private static string Write(Type type, NullabilityInfo? nullability)
    {
        if (type.IsByRef)
        {
            return Write(type.GetElementType()!, nullability?.ElementType ?? nullability);
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Write(underlying, null) + "?";
        }

        var mark = !type.IsValueType && nullability is { } info && NullabilityState.Nullable is var yes && (info.ReadState == yes || info.WriteState == yes) ? "?" : "";
        if (type.IsArray)
        {
            return Write(type.GetElementType()!, nullability?.ElementType) + "[" + new string(',', type.GetArrayRank() - 1) + "]" + mark;
        }

        if (type.IsGenericParameter)
        {
            return type.Name + mark;
        }

        if (Keywords.TryGetValue(type, out var keyword))
        {
            return keyword + mark;
        }

        var name = new StringBuilder(type.DeclaringType is { } outer ? Of(outer) + "." : "").Append(Simple(type));
        if (type.IsGenericType)
        {
            var arguments = type.GetGenericArguments();
            name.Append('<').AppendJoin(", ", arguments.Select((argument, at) =>
                Write(argument, nullability?.GenericTypeArguments is { } inner && at < inner.Length ? inner[at] : null))).Append('>');
        }

        return name.Append(mark).ToString();
    }

    private static string Simple(Type type) => type.Name.Contains('`', StringComparison.Ordinal) ? type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)] : type.Name;
}
