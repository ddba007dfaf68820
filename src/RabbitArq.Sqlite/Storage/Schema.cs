using RabbitArq.Brokers;
using RabbitArq.Sqlite.Localization;

namespace RabbitArq.Sqlite.Storage;

/// <summary>
/// The tables. A message's content (<c>message</c>) is written once and read once; where it stands is a narrow row in
/// exactly one of <c>ready</c>, <c>delayed</c> and <c>lease</c>, so that handing out a message never rewrites its body.
/// </summary>
/// <remarks>
/// <c>ready</c> is stored in the order of delivery: a claim reads and deletes a prefix of one lane, whatever else waits.
/// A lane is the current generation of a queue: purging or deleting a queue puts its lane into <c>garbage</c>, which is
/// emptied in small steps, so that neither is slow with a million messages. <c>queue_count</c> is kept in step inside
/// each transaction, so that counting never scans. A deleted queue with delayed messages leaves its id in
/// <c>former_queue</c> for the next queue of its name: delayed messages belong to the name, as on RabbitMQ.
/// </remarks>
internal static class Schema
{
    /// <summary>Stored in <c>user_version</c>; raised with every change of the tables.</summary>
    public const int Version = 1;

    /// <summary>Stored in <c>application_id</c>: the letters RArq.</summary>
    public const int ApplicationId = 0x52417271;

    private const string Tables = """
        CREATE TABLE state(
          id INTEGER PRIMARY KEY CHECK (id = 1),
          next_number INTEGER NOT NULL,
          topology INTEGER NOT NULL);
        INSERT INTO state VALUES (1, 1, 1);
        CREATE TABLE node(
          id INTEGER PRIMARY KEY,
          lock_name TEXT NOT NULL UNIQUE,
          process_id INTEGER NOT NULL,
          started INTEGER NOT NULL);
        CREATE TABLE session(
          id INTEGER PRIMARY KEY,
          node_id INTEGER NOT NULL,
          client_name TEXT NOT NULL);
        CREATE TABLE exchange(
          name TEXT PRIMARY KEY,
          type INTEGER NOT NULL,
          durable INTEGER NOT NULL,
          auto_delete INTEGER NOT NULL,
          alternate TEXT) WITHOUT ROWID;
        INSERT INTO exchange VALUES
          ('amq.direct', 0, 1, 0, NULL), ('amq.topic', 1, 1, 0, NULL),
          ('amq.fanout', 2, 1, 0, NULL), ('amq.headers', 3, 1, 0, NULL);
        CREATE TABLE queue(
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL UNIQUE,
          lane INTEGER NOT NULL UNIQUE,
          type INTEGER NOT NULL,
          durable INTEGER NOT NULL,
          auto_delete INTEGER NOT NULL,
          owner_session INTEGER,
          max_priority INTEGER,
          max_length INTEGER,
          reject_when_full INTEGER NOT NULL,
          message_ttl INTEGER,
          dead_letter_exchange TEXT,
          dead_letter_key TEXT,
          delivery_limit INTEGER);
        CREATE TABLE queue_count(
          queue_id INTEGER PRIMARY KEY,
          ready INTEGER NOT NULL,
          delayed INTEGER NOT NULL,
          unacked INTEGER NOT NULL);
        CREATE TABLE former_queue(
          name TEXT PRIMARY KEY,
          id INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
        CREATE TABLE binding(
          id INTEGER PRIMARY KEY,
          exchange TEXT NOT NULL,
          queue_id INTEGER NOT NULL,
          routing_key TEXT NOT NULL,
          arguments TEXT NOT NULL,
          UNIQUE (exchange, queue_id, routing_key, arguments));
        CREATE TABLE consumer(
          id INTEGER PRIMARY KEY,
          queue_id INTEGER NOT NULL,
          session_id INTEGER NOT NULL,
          node_id INTEGER NOT NULL,
          exclusive INTEGER NOT NULL,
          tag TEXT NOT NULL);
        CREATE TABLE message(
          id INTEGER PRIMARY KEY,
          properties TEXT NOT NULL,
          body BLOB);
        CREATE TABLE ready(
          lane INTEGER NOT NULL,
          rank INTEGER NOT NULL,
          place INTEGER NOT NULL,
          message_id INTEGER NOT NULL,
          count INTEGER NOT NULL,
          expires INTEGER,
          PRIMARY KEY (lane, rank, place)) WITHOUT ROWID;
        CREATE INDEX ready_expires ON ready(expires) WHERE expires IS NOT NULL;
        CREATE TABLE delayed(
          due INTEGER NOT NULL,
          place INTEGER NOT NULL,
          queue_id INTEGER NOT NULL,
          message_id INTEGER NOT NULL,
          rank INTEGER NOT NULL,
          ttl INTEGER,
          PRIMARY KEY (due, place)) WITHOUT ROWID;
        CREATE TABLE lease(
          message_id INTEGER PRIMARY KEY,
          node_id INTEGER NOT NULL,
          queue_id INTEGER NOT NULL,
          rank INTEGER NOT NULL,
          place INTEGER NOT NULL,
          count INTEGER NOT NULL,
          expires INTEGER);
        CREATE TABLE garbage(lane INTEGER PRIMARY KEY);
        CREATE TABLE result(
          id INTEGER PRIMARY KEY,
          job_id TEXT NOT NULL UNIQUE,
          status INTEGER NOT NULL,
          progress_rank INTEGER NOT NULL,
          function TEXT NOT NULL,
          queue TEXT NOT NULL,
          attempt INTEGER NOT NULL,
          result BLOB,
          error TEXT,
          args BLOB,
          kwargs BLOB,
          worker TEXT,
          created INTEGER NOT NULL,
          started INTEGER,
          ended INTEGER,
          expires INTEGER,
          progress INTEGER);
        CREATE INDEX result_expires ON result(expires) WHERE expires IS NOT NULL;
        """;

    /// <summary>Settings of a fresh connection to a file. Must run before the first table exists.</summary>
    /// <param name="database">The connection.</param>
    /// <param name="synchronous"><c>NORMAL</c> or <c>FULL</c>.</param>
    public static void ConfigureFile(SqliteDatabase database, string synchronous)
    {
        // Freed pages are given back in small steps (incremental_vacuum) rather than by a VACUUM that stalls everybody.
        database.Execute("PRAGMA auto_vacuum=INCREMENTAL");
        if (!string.Equals(database.QueryText("PRAGMA journal_mode=WAL"), "wal", StringComparison.OrdinalIgnoreCase))
        {
            // Refused silently, for example where the file system gives no shared memory.
            throw new SqliteFailureException(SQLitePCL.raw.SQLITE_CANTOPEN, "journal_mode=WAL was refused");
        }

        database.Execute($"PRAGMA synchronous={synchronous}");

        // Checkpoints are ours: with the write lock held, because SQLite before 3.51.3 can damage a database when one
        // connection checkpoints while another commits and restarts the log.
        database.Execute("PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864");
    }

    /// <summary>Settings that a file and a database in memory share.</summary>
    public static void ConfigureCommon(SqliteDatabase database) =>
        database.Execute("PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF");

    /// <summary>Creates the tables, or checks that they are ours and of a version that this program knows.</summary>
    /// <param name="database">The connection. A write transaction must not be open.</param>
    /// <param name="path">For the error's text.</param>
    /// <exception cref="BrokerException">The database belongs to something else, or to a newer RabbitArq.</exception>
    public static void Ensure(SqliteDatabase database, string path)
    {
        if (Check(database, path))
        {
            return;
        }

        // Two processes may come here at once: the second waits for the lock and then finds the tables.
        database.Execute("BEGIN IMMEDIATE");
        try
        {
            if (!Check(database, path))
            {
                database.Execute(Tables);
                database.Execute($"PRAGMA application_id={ApplicationId}; PRAGMA user_version={Version}");
            }

            database.Execute("COMMIT");
        }
        finally
        {
            if (database.InTransaction)
            {
                database.Execute("ROLLBACK");
            }
        }
    }

    private static bool Check(SqliteDatabase database, string path)
    {
        var version = database.QueryInt64("PRAGMA user_version");
        if (database.QueryInt64("PRAGMA application_id") == ApplicationId)
        {
            return version <= Version ? true : throw new BrokerException(Texts.SchemaTooNew(path, version, Version));
        }

        return database.QueryInt64("SELECT count(*) FROM sqlite_master") == 0
            ? false
            : throw new BrokerException(Texts.ForeignDatabase(path));
    }
}
