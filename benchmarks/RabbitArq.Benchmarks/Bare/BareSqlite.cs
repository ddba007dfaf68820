using System.Text.Json;
using Microsoft.Data.Sqlite;
using RabbitArq.Messages;

namespace RabbitArq.Benchmarks.Bare;

/// <summary>
/// Microsoft.Data.Sqlite doing the embedded broker's row work and nothing else, in transactions of 500 messages on one
/// thread: enqueued, a row of content and a row of place; drained, content read, place moved to a lease, lease and
/// content deleted; in each transaction the queue's counters.
/// </summary>
internal sealed class BareSqlite : IBareSide
{
    private const int MessagesPerTransaction = 500;

    private readonly BenchmarkSettings _settings;
    private readonly SqliteConnection _connection;
    private readonly byte[] _body;
    private readonly string _properties;
    private readonly SqliteCommand _insertMessage;
    private readonly SqliteCommand _insertReady;
    private readonly SqliteCommand _count;
    private readonly SqliteCommand _selectHead;
    private readonly SqliteCommand _leaseHead;
    private readonly SqliteCommand _deleteHead;
    private readonly SqliteCommand _deleteLease;
    private readonly SqliteCommand _deleteMessage;
    private long _nextId = 1;

    static BareSqlite() => SQLitePCL.Batteries_V2.Init();

    public BareSqlite(BenchmarkSettings settings, string file, BrokerMessage sample)
    {
        _settings = settings;
        _body = sample.Body.ToArray();
        _properties = PropertiesOf(sample);
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ConnectionString);
        _connection.Open();
        Execute("""
            PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384;
            CREATE TABLE message(id INTEGER PRIMARY KEY, properties TEXT NOT NULL, body BLOB);
            CREATE TABLE ready(lane INTEGER NOT NULL, rank INTEGER NOT NULL, place INTEGER NOT NULL, message_id INTEGER NOT NULL,
              count INTEGER NOT NULL, expires INTEGER, PRIMARY KEY (lane, rank, place)) WITHOUT ROWID;
            CREATE INDEX ready_expires ON ready(expires) WHERE expires IS NOT NULL;
            CREATE TABLE lease(message_id INTEGER PRIMARY KEY, node_id INTEGER NOT NULL, queue_id INTEGER NOT NULL,
              rank INTEGER NOT NULL, place INTEGER NOT NULL, count INTEGER NOT NULL, expires INTEGER);
            CREATE TABLE queue_count(queue_id INTEGER PRIMARY KEY, ready INTEGER NOT NULL, unacked INTEGER NOT NULL);
            INSERT INTO queue_count VALUES (1, 0, 0);
            """);
        _insertMessage = Prepare("INSERT INTO message(id, properties, body) VALUES ($id, $properties, $body)", "$id", "$properties", "$body");
        _insertReady = Prepare("INSERT INTO ready(lane, rank, place, message_id, count, expires) VALUES (1, 255, $id, $id, 0, NULL)", "$id");
        _count = Prepare("UPDATE queue_count SET ready = ready + $ready, unacked = unacked + $unacked WHERE queue_id = 1", "$ready", "$unacked");
        _selectHead = Prepare("""
            SELECT m.id, m.properties, m.body, r.place FROM ready r CROSS JOIN message m ON m.id = r.message_id
            WHERE r.lane = 1 ORDER BY r.rank, r.place LIMIT $limit
            """, "$limit");
        _leaseHead = Prepare("""
            INSERT INTO lease SELECT message_id, 1, 1, rank, place, count, expires FROM ready WHERE lane = 1 ORDER BY rank, place LIMIT $limit
            """, "$limit");
        _deleteHead = Prepare("DELETE FROM ready WHERE lane = 1 AND (rank, place) <= (255, $place)", "$place");
        _deleteLease = Prepare("DELETE FROM lease WHERE message_id = $id AND node_id = 1", "$id");
        _deleteMessage = Prepare("DELETE FROM message WHERE id = $id", "$id");
    }

    public string Name => "Microsoft.Data.Sqlite";

    public Task<Sample> EnqueueAsync(CancellationToken deadline)
    {
        Execute("DELETE FROM message; DELETE FROM ready; UPDATE queue_count SET ready = 0, unacked = 0");
        var started = WorkClock.Now;
        Fill(deadline);
        return Task.FromResult(started.Since(_settings.Jobs));
    }

    public Task<Sample> DrainAsync(int acksTogether, CancellationToken deadline)
    {
        Execute("DELETE FROM message; DELETE FROM ready; UPDATE queue_count SET ready = 0, unacked = 0");
        Fill(deadline);
        var started = WorkClock.Now;
        var held = new List<long>(MessagesPerTransaction);
        var drained = 0;
        do
        {
            deadline.ThrowIfCancellationRequested();
            using var transaction = _connection.BeginTransaction();
            Acknowledge(held, transaction);
            drained += held.Count;
            held.Clear();
            Claim(MessagesPerTransaction, held, transaction);
            transaction.Commit();
        }
        while (held.Count > 0);
        var sample = started.Since(_settings.Jobs);
        return drained == _settings.Jobs
            ? Task.FromResult(sample)
            : throw new BenchmarkException($"{Name}: {drained} of {_settings.Jobs} messages were drained.");
    }

    /// <summary>Committed by one transaction, claimed by the next, on one thread: nothing is faster with two commits.</summary>
    public Task<Sample> LatencyAsync(CancellationToken deadline)
    {
        var latency = new LatencyRun(_settings.Jobs, _settings.Rate);
        var held = new List<long>(1);
        return latency.RunAsync(
            Name,
            (number, _) =>
            {
                using (var enqueue = _connection.BeginTransaction())
                {
                    Insert(1, enqueue);
                    enqueue.Commit();
                }

                using (var claim = _connection.BeginTransaction())
                {
                    Claim(1, held, claim);
                    claim.Commit();
                }

                latency.Arrived(number);
                using var settle = _connection.BeginTransaction();
                Acknowledge(held, settle);
                settle.Commit();
                held.Clear();
                return Task.CompletedTask;
            },
            deadline);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var command in new[] { _insertMessage, _insertReady, _count, _selectHead, _leaseHead, _deleteHead, _deleteLease, _deleteMessage })
        {
            await command.DisposeAsync();
        }

        await _connection.DisposeAsync();
    }

    private void Fill(CancellationToken deadline)
    {
        for (var left = _settings.Jobs; left > 0; left -= MessagesPerTransaction)
        {
            deadline.ThrowIfCancellationRequested();
            using var transaction = _connection.BeginTransaction();
            Insert(Math.Min(left, MessagesPerTransaction), transaction);
            transaction.Commit();
        }
    }

    private void Insert(int messages, SqliteTransaction transaction)
    {
        for (var i = 0; i < messages; i++)
        {
            var id = _nextId++;
            Run(_insertMessage, transaction, id, _properties, _body);
            Run(_insertReady, transaction, id);
        }

        Run(_count, transaction, messages, 0);
    }

    private void Claim(int most, List<long> into, SqliteTransaction transaction)
    {
        long place = 0;
        _selectHead.Transaction = transaction;
        _selectHead.Parameters[0].Value = most;
        using (var reader = _selectHead.ExecuteReader())
        {
            while (reader.Read())
            {
                into.Add(reader.GetInt64(0));
                _ = reader.GetString(1);
                _ = reader.GetFieldValue<byte[]>(2);
                place = reader.GetInt64(3);
            }
        }

        if (into.Count > 0)
        {
            Run(_leaseHead, transaction, into.Count);
            Run(_deleteHead, transaction, place);
            Run(_count, transaction, -into.Count, into.Count);
        }
    }

    private void Acknowledge(List<long> held, SqliteTransaction transaction)
    {
        foreach (var id in held)
        {
            Run(_deleteLease, transaction, id);
            Run(_deleteMessage, transaction, id);
        }

        if (held.Count > 0)
        {
            Run(_count, transaction, 0, -held.Count);
        }
    }

    private SqliteCommand Prepare(string sql, params string[] parameters)
    {
        var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Only constants of this class come here.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var name in parameters)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = name, Value = 0 });
        }

        command.Prepare();
        return command;
    }

    private static void Run(SqliteCommand command, SqliteTransaction transaction, params ReadOnlySpan<object> values)
    {
        command.Transaction = transaction;
        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i];
        }

        command.ExecuteNonQuery();
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Only constants of this class come here.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    /// <summary>What the broker keeps beside the body, about as long as it writes it.</summary>
    private static string PropertiesOf(BrokerMessage message) => JsonSerializer.Serialize(new Dictionary<string, object?>
    {
        ["message_id"] = message.MessageId,
        ["type"] = message.Type,
        ["content_type"] = message.ContentType,
        ["content_encoding"] = message.ContentEncoding,
        ["correlation_id"] = message.CorrelationId,
        ["timestamp"] = message.Timestamp?.ToUnixTimeSeconds(),
        ["headers"] = message.Headers,
    });
}
