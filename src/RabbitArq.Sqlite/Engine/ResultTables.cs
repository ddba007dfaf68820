using RabbitArq.Results;
using RabbitArq.Sqlite.Storage;

namespace RabbitArq.Sqlite.Engine;

/// <summary>The records of jobs. Each method runs inside the open transaction of the store's own thread.</summary>
internal sealed class ResultTables(SqliteDatabase database)
{
    /// <summary>How many records are saved between two looks for expired ones, and how many of those go at a time.</summary>
    private const int CleanEvery = 200;

    private readonly SqliteStatement _save = database.Prepare("""
        INSERT INTO result(job_id, status, progress_rank, function, queue, attempt, result, error, args, kwargs, worker, created, started, ended, expires, progress)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
        ON CONFLICT(job_id) DO UPDATE SET status = excluded.status, progress_rank = excluded.progress_rank, function = excluded.function,
          queue = excluded.queue, attempt = excluded.attempt, result = excluded.result, error = excluded.error, args = excluded.args,
          kwargs = excluded.kwargs, worker = excluded.worker, created = excluded.created, started = excluded.started,
          ended = excluded.ended, expires = excluded.expires, progress = excluded.progress
        WHERE excluded.attempt > attempt OR (excluded.attempt = attempt AND excluded.progress_rank >= progress_rank)
        """);

    private readonly SqliteStatement _find = database.Prepare("""
        SELECT status, function, queue, attempt, result, error, args, kwargs, worker, created, started, ended, expires, progress
        FROM result WHERE job_id = ?1 AND (expires IS NULL OR expires > ?2)
        """);

    private readonly SqliteStatement _deleteExpired = database.Prepare(
        "DELETE FROM result WHERE id IN (SELECT id FROM result WHERE expires IS NOT NULL AND expires <= ?1 LIMIT ?2)");

    private int _saved;

    /// <summary>Saves a record unless a later attempt, or a later state of the same attempt, is there already.</summary>
    public void Save(JobRecord record, long now)
    {
        _save.Bind(1, record.JobId).Bind(2, (long)record.Status).Bind(3, RankOf(record.Status)).Bind(4, record.Function)
            .Bind(5, record.QueueName).Bind(6, record.Attempt).BindBlob(7, record.Result.Span).Bind(8, record.Error)
            .BindBlob(9, record.Args.Span).BindBlob(10, record.Kwargs.Span).Bind(11, record.WorkerId).Bind(12, record.CreatedAt.UtcTicks)
            .Bind(13, record.StartedAt?.UtcTicks).Bind(14, record.EndedAt?.UtcTicks).Bind(15, record.ExpiresAt?.UtcTicks)
            .Bind(16, record.Progress is { } progress ? (long)(progress * 1_000_000) : null)
            .Execute();
        if (++_saved % CleanEvery == 0)
        {
            _deleteExpired.Bind(1, DateTimeOffset.FromUnixTimeMilliseconds(now).UtcTicks).Bind(2, CleanEvery * 2).Execute();
        }
    }

    public JobRecord? Find(string jobId, long now)
    {
        _find.Bind(1, jobId).Bind(2, DateTimeOffset.FromUnixTimeMilliseconds(now).UtcTicks);
        if (!_find.Step())
        {
            return null;
        }

        var record = new JobRecord
        {
            JobId = jobId,
            Status = (JobStatus)_find.Int64(0),
            Function = _find.Text(1),
            QueueName = _find.Text(2),
            Attempt = (int)_find.Int64(3),
            Result = _find.Bytes(4).ToArray(),
            Error = _find.NullableText(5),
            Args = _find.Bytes(6).ToArray(),
            Kwargs = _find.Bytes(7).ToArray(),
            WorkerId = _find.NullableText(8),
            CreatedAt = new DateTimeOffset(_find.Int64(9), TimeSpan.Zero),
            StartedAt = Instant(_find.NullableInt64(10)),
            EndedAt = Instant(_find.NullableInt64(11)),
            ExpiresAt = Instant(_find.NullableInt64(12)),
            Progress = _find.NullableInt64(13) / 1_000_000.0,
        };
        _find.Reset();
        return record;
    }

    /// <summary>How far a state is along one attempt: a later one is never overwritten by an earlier.</summary>
    private static long RankOf(JobStatus status) => status switch
    {
        JobStatus.Queued => 0,
        JobStatus.InProgress => 1,
        JobStatus.Retrying => 2,
        _ => 3,
    };

    private static DateTimeOffset? Instant(long? ticks) => ticks is { } value ? new DateTimeOffset(value, TimeSpan.Zero) : null;
}
