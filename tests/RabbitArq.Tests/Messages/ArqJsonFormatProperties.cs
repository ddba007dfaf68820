using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using RabbitArq.Messages;
using RabbitArq.Messages.Formats;
using Shouldly;
using Xunit;

namespace RabbitArq.Tests.Messages;

/// <summary>Whatever is written is read back equal, and whatever is read is never worse than an unreadable message.</summary>
public sealed class ArqJsonFormatProperties
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(300);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_is_read_back_equal(bool naiveLocalTimes)
    {
        var format = new ArqJsonFormat(naiveLocalTimes, TimeZoneInfo.CreateCustomTimeZone("x", TimeSpan.FromMinutes(-210), "x", "x"));
        Check.One(Many, Prop.ForAll(Envelopes().ToArbitrary(), job =>
        {
            var back = format.Decode(format.Encode(job));

            // Records of memory compare by reference: arguments and unknown fields are compared as text.
            (back with { Arguments = job.Arguments, Headers = job.Headers, UnknownFields = job.UnknownFields }).ShouldBe(job);
            Text(back.Arguments.Positional).ShouldBe(Text(job.Arguments.Positional));
            Text(back.Arguments.Named).ShouldBe(Text(job.Arguments.Named));
            back.Headers.ShouldBe(job.Headers, ignoreOrder: true);
            back.UnknownFields.Select(f => (f.Key, Text(f.Value))).ShouldBe(job.UnknownFields.Select(f => (f.Key, Text(f.Value))));
        }));
    }

    [Fact]
    public void A_body_that_was_damaged_anywhere_is_read_or_unreadable_and_nothing_else()
    {
        var format = new ArqJsonFormat();
        var damages = from job in Envelopes()
                      from at in Gen.Choose(0, 10_000)
                      from value in Gen.Choose(0, 255)
                      select (job, at, value);
        Check.One(Many, Prop.ForAll(damages.ToArbitrary(), damage =>
        {
            var body = format.Encode(damage.job).Body.ToArray();
            body[damage.at % body.Length] = (byte)damage.value;
            try
            {
                format.Decode(new BrokerMessage { Body = body });
            }
            catch (UnreadableMessageException failure)
            {
                failure.Message.ShouldNotBeEmpty();
            }
        }));
    }

    private static Gen<JobEnvelope> Envelopes()
    {
        var texts = ArbMap.Default.GeneratorFor<NonEmptyString>().Select(text => Valid(text.Get));
        var times = Gen.Choose(0, int.MaxValue).SelectMany(
            seconds => Gen.Choose(0, 999_999), (seconds, micros) => DateTimeOffset.UnixEpoch.AddSeconds(seconds).AddTicks(micros * 10L));
        var json = Gen.OneOf(
            texts.Select(text => JsonSerializer.Serialize(text)),
            ArbMap.Default.GeneratorFor<int>().Select(number => $"{number}"),
            Gen.Elements("null", "true", "[]", "{}", """{"a":[1,{"b":null}]}""", "1.5e3"));
        var names = Gen.Elements("extra", "späte", "x_y", "中文", "").SelectMany(_ => Gen.Choose(0, 999), (name, number) => $"{name}{number}");
        return
            from id in texts
            from function in texts
            from arguments in json.ListOf()
            from named in Gen.Zip(names, json).ListOf()
            from attempt in Gen.Choose(1, int.MaxValue - 1)
            from enqueued in times
            from due in Maybe(times)
            from expires in Maybe(times)
            from parent in Maybe(texts)
            from retries in Gen.Choose(-1, 100)
            from timeout in Gen.Choose(0, 1_000_000)
            from unknown in Gen.Zip(names, json).ListOf()
            from header in texts
            from priority in Gen.Choose(-1, 255)
            select new JobEnvelope
            {
                JobId = id,
                Function = function,
                Arguments = new JobArguments(
                    Bytes($"[{string.Join(',', arguments)}]"), Bytes($"{{{string.Join(',', named.DistinctBy(n => n.Item1).Select(n => $"\"{n.Item1}\":{n.Item2}"))}}}")),
                Attempt = attempt,
                EnqueuedAt = enqueued,
                QueueName = parent,
                DueAt = due == default(DateTimeOffset) ? null : due,
                ExpiresAt = expires == default(DateTimeOffset) ? null : expires,
                ParentId = parent,
                RootId = parent,
                MaxRetries = retries < 0 ? null : retries,
                Timeout = timeout == 0 ? null : TimeSpan.FromMilliseconds(timeout),
                StoreResult = timeout % 3 == 0 ? null : timeout % 3 == 1,
                Priority = priority < 0 ? null : (byte)priority,
                Headers = new Dictionary<string, object?> { ["tenant"] = header },
                UnknownFields = [.. unknown.DistinctBy(n => n.Item1).Select(n => KeyValuePair.Create("u" + n.Item1, (ReadOnlyMemory<byte>)Bytes(n.Item2)))],
            };
    }

    private static Gen<T?> Maybe<T>(Gen<T> some) => Gen.OneOf(Gen.Constant(default(T)), some.Select(value => (T?)value));

    /// <summary>JSON carries text, and half a surrogate pair is none.</summary>
    private static string Valid(string text) => new([.. text.Where(c => !char.IsSurrogate(c)), 'x']);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);
}
