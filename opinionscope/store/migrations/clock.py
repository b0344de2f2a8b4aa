"""What holds when the clock is wrong."""

from sqlite_utils import Database


def interrupted_runs_in_the_order_of_the_log(db: Database) -> None:
    """A status for runs that somebody stopped by hand, and indexes that need no clock: the id is the order of runs.

    The table and its other indexes are rebuilt from their own SQL, whatever later or earlier steps have made of them.
    """
    table = str(db.execute("SELECT sql FROM sqlite_master WHERE name = 'sync_logs'").fetchone()[0])
    body = table[table.index("(") :].replace("'failed', 'skipped')", "'failed', 'skipped', 'interrupted')")
    others = db.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'sync_logs' AND sql IS NOT NULL "
        "AND name NOT IN ('sync_logs_by_type', 'sync_logs_by_type_and_status')"
    )
    indexes = [row[0] for row in others]
    db.executescript("CREATE TABLE new_sync_logs " + body)
    db.executescript("""
        INSERT INTO new_sync_logs SELECT * FROM sync_logs;
        DROP TABLE sync_logs;
        ALTER TABLE new_sync_logs RENAME TO sync_logs;
        CREATE INDEX sync_logs_by_type ON sync_logs (type);
        CREATE INDEX sync_logs_by_type_and_status ON sync_logs (type, status);
    """)
    db.executescript(";".join(indexes))


def moments_to_judge_the_clock_by(db: Database) -> None:
    """The exchange's own time, and since when the jobs can be expected to run."""
    db.executescript("""
        CREATE TABLE exchange_clock (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            exchange_at TEXT NOT NULL,
            machine_at TEXT NOT NULL
        );
        CREATE TABLE schedule (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            first_used_at TEXT NOT NULL,
            installed_at TEXT
        );
        INSERT INTO schedule (id, first_used_at)
            SELECT 1, ifnull(min(started_at), strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) FROM sync_logs;
    """)
