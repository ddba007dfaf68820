using System.Globalization;
using RabbitArq.Brokers;
using RabbitArq.Localization;

namespace RabbitArq.Hosting.Settings;

/// <summary>
/// <c>worker.queues</c>: a text with commas, a list of names, or a list of objects with limits. A level replaces the whole
/// list of the level below it.
/// </summary>
internal sealed class QueueListSetting : Setting
{
    private static readonly SettingKind<int> Limit = SettingKinds.Integer(1, SettingsCatalog.LargestPrefetch);
    private static readonly string[] Members = ["name", "max_concurrent_jobs", "prefetch_count", "dlq_name"];

    public override string Allowed => Texts.AllowedQueueList();

    public override bool Answers(string path) => Paths.Any(own => path == own || path.StartsWith(own + ".", StringComparison.Ordinal));

    /// <summary>Configuration only fills a list that code has left empty.</summary>
    public override bool IsAssigned(SettingsTarget target) => target.Worker.Queues.Count > 0;

    public override void Apply(SettingsTarget target, IReadOnlyList<GivenSetting> given, ICollection<string> errors)
    {
        if (given.LastOrDefault(one => one.Path == GivenSetting.Normalize(Key)) is { } text)
        {
            foreach (var name in text.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                Add(target, new WorkerQueue(name), text, errors);
            }

            return;
        }

        var byIndex = given.GroupBy(one => one.Path.Split('.')[2]).Select(entry => (Index: entry.Key, Parts: entry.ToList()));
        foreach (var (index, parts) in byIndex.OrderBy(entry => int.TryParse(entry.Index, CultureInfo.InvariantCulture, out var i) ? i : int.MaxValue))
        {
            if (!int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                errors.Add(Texts.SettingInvalid(Key, index, parts[0].Origin.ToString(), Allowed));
            }
            else if (Read(parts, errors) is { } queue)
            {
                Add(target, queue, parts[0], errors);
            }
        }
    }

    public override void Check(SettingsTarget target, ICollection<string> errors)
    {
        foreach (var queue in target.Worker.Queues)
        {
            CheckOne(queue, SettingOrigin.Code, errors);
        }
    }

    public override string? Show(SettingsTarget target) => target.Worker.Queues.Count == 0 ? null : string.Join(", ", target.Worker.Queues.Select(Show));

    private static string Show(WorkerQueue queue)
    {
        var details = new List<string>();
        if (queue.MaxConcurrentJobs is { } concurrency)
        {
            details.Add($"max_concurrent_jobs {concurrency}");
        }

        if (queue.PrefetchCount is { } prefetch)
        {
            details.Add($"prefetch_count {prefetch}");
        }

        if (queue.DeadLetterQueueName is { } dead)
        {
            details.Add($"dlq_name {dead}");
        }

        var name = MaskUrl(queue.Name)!;
        return details.Count == 0 ? name : $"{name} ({string.Join(", ", details)})";
    }

    private static WorkerQueue? Read(List<GivenSetting> parts, ICollection<string> errors)
    {
        var (name, concurrency, prefetch, dead, bad) = ((string?)null, (int?)null, (int?)null, (string?)null, false);
        foreach (var part in parts)
        {
            var member = part.Path.Split('.', 4) is [_, _, _, var last] ? last : "name";
            switch (member)
            {
                case "name":
                    name = part.Value;
                    break;
                case "maxconcurrentjobs" or "maxworkers":
                    concurrency = Number(part);
                    break;
                case "prefetchcount":
                    prefetch = Number(part);
                    break;
                case "dlqname":
                    dead = part.Value;
                    break;
                default:
                    Fail(part, Texts.AllowedChoice(string.Join(", ", Members)));
                    break;
            }
        }

        if (name is null && !bad)
        {
            Fail(parts[0] with { Value = "" }, Texts.AllowedQueueList());
        }

        return bad ? null : new WorkerQueue(name!) { MaxConcurrentJobs = concurrency, PrefetchCount = prefetch, DeadLetterQueueName = dead };

        int? Number(GivenSetting part)
        {
            if (Limit.Parse(part.Value, out var number) && Limit.IsAllowed(number))
            {
                return number;
            }

            Fail(part, Limit.Allowed());
            return null;
        }

        void Fail(GivenSetting part, string allowed)
        {
            bad = true;
            errors.Add(Texts.SettingInvalid(part.Key, part.Shown, part.Origin.ToString(), allowed));
        }
    }

    private void Add(SettingsTarget target, WorkerQueue queue, GivenSetting given, ICollection<string> errors)
    {
        CheckOne(queue, given.Origin, errors);
        target.Worker.Queues.Add(queue);
    }

    private void CheckOne(WorkerQueue queue, SettingOrigin origin, ICollection<string> errors)
    {
        void Fail(string member, object value, string allowed) =>
            errors.Add(Texts.SettingInvalid($"{Key}.{member}", BrokerUrl.Mask(Convert.ToString(value, CultureInfo.InvariantCulture)!), origin.ToString(), allowed));
        if (!SettingKinds.IsQueueName(queue.Name))
        {
            Fail("name", queue.Name, SettingKinds.QueueName.Allowed());
        }

        if (queue.DeadLetterQueueName is { } dead && !SettingKinds.IsQueueName(dead))
        {
            Fail("dlq_name", dead, SettingKinds.QueueName.Allowed());
        }

        if (queue.MaxConcurrentJobs is { } concurrency && !Limit.IsAllowed(concurrency))
        {
            Fail("max_concurrent_jobs", concurrency, Limit.Allowed());
        }

        if (queue.PrefetchCount is { } prefetch && !Limit.IsAllowed(prefetch))
        {
            Fail("prefetch_count", prefetch, Limit.Allowed());
        }
    }
}
