"""The schema, as the steps that lead from an empty file to the present version.

A step is never changed once it has been released: what differs later is a further step. `user_version` counts the
steps that a file has taken, so that a run finds out without loading anything whether there is something to do.
"""

import sqlite3

from sqlite_utils import Database, Migrations

migrations = Migrations("opinionscope")

_FIRST_RELEASE = """
    CREATE TABLE markets (
        platform TEXT NOT NULL,
        external_id TEXT NOT NULL,
        parent_external_id TEXT,
        market_type TEXT NOT NULL CHECK (market_type IN ('binary', 'categorical', 'child')),
        title TEXT NOT NULL,
        status TEXT NOT NULL
            CHECK (status IN ('created', 'activated', 'resolving', 'resolved', 'failed', 'deleted')),
        labels TEXT NOT NULL,
        yes_label TEXT,
        no_label TEXT,
        yes_token_id TEXT,
        no_token_id TEXT,
        result_token_id TEXT,
        volume REAL,
        volume_24h REAL,
        volume_7d REAL,
        quote_token TEXT,
        chain_id TEXT,
        slug TEXT,
        rules TEXT,
        url TEXT,
        created_at TEXT,
        cutoff_at TEXT,
        resolved_at TEXT,
        first_seen_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        looked_up_at TEXT,
        PRIMARY KEY (platform, external_id)
    );
    CREATE INDEX markets_by_status ON markets (status);
    CREATE INDEX markets_by_parent ON markets (parent_external_id);

    CREATE TABLE whales (
        id INTEGER PRIMARY KEY,
        address TEXT NOT NULL UNIQUE,
        name TEXT,
        source TEXT NOT NULL,
        enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
        added_at TEXT NOT NULL,
        last_polled_at TEXT,
        last_synced_at TEXT,
        last_error TEXT,
        api_total INTEGER,
        known_trades INTEGER NOT NULL DEFAULT 0,
        history_read_at TEXT,
        resume_position INTEGER,
        settled_difference INTEGER NOT NULL DEFAULT 0,
        reread_found INTEGER NOT NULL DEFAULT 0,
        fruitless_rereads INTEGER NOT NULL DEFAULT 0,
        reread_after TEXT,
        traded_count INTEGER NOT NULL DEFAULT 0,
        traded_volume REAL NOT NULL DEFAULT 0,
        profit_sum REAL NOT NULL DEFAULT 0,
        newest_trade_at TEXT,
        trade_count INTEGER,
        total_volume REAL,
        last_active_at TEXT,
        volume_24h REAL,
        volume_7d REAL,
        volume_30d REAL,
        realized_profit REAL,
        stats_updated_at TEXT
    );

    CREATE TABLE whale_activity (
        id INTEGER PRIMARY KEY,
        whale_address TEXT NOT NULL,
        platform TEXT NOT NULL,
        market_external_id TEXT NOT NULL,
        root_market_external_id TEXT,
        market_title TEXT,
        tx_hash TEXT NOT NULL,
        action TEXT NOT NULL CHECK (action IN ('BUY', 'SELL', 'SPLIT', 'MERGE')),
        outcome TEXT,
        outcome_side INTEGER,
        price REAL,
        shares REAL,
        amount REAL NOT NULL,
        fee REAL,
        profit REAL,
        quote_token TEXT,
        chain_id TEXT,
        timestamp TEXT NOT NULL,
        first_seen_at TEXT NOT NULL,
        fingerprint INTEGER NOT NULL,
        copy INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX whale_activity_identity
        ON whale_activity (whale_address, timestamp, fingerprint, copy);
    CREATE INDEX whale_activity_by_time ON whale_activity (timestamp);
    CREATE INDEX whale_activity_by_market ON whale_activity (market_external_id, timestamp);

    CREATE TABLE counted_trades (
        whale_id INTEGER NOT NULL,
        second INTEGER NOT NULL,
        fingerprint INTEGER NOT NULL,
        copies INTEGER NOT NULL,
        PRIMARY KEY (whale_id, second, fingerprint)
    ) WITHOUT ROWID;

    CREATE TABLE whale_hours (
        whale_id INTEGER NOT NULL,
        hour INTEGER NOT NULL,
        volume REAL NOT NULL,
        PRIMARY KEY (whale_id, hour)
    ) WITHOUT ROWID;

    CREATE TABLE sync_logs (
        id INTEGER PRIMARY KEY,
        type TEXT NOT NULL CHECK (type IN ('markets', 'whales', 'stats', 'cleanup')),
        status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'partial', 'failed', 'skipped')),
        started_at TEXT NOT NULL,
        ended_at TEXT,
        item_count INTEGER NOT NULL DEFAULT 0,
        failed_count INTEGER NOT NULL DEFAULT 0,
        request_count INTEGER NOT NULL DEFAULT 0,
        throttled_count INTEGER NOT NULL DEFAULT 0,
        error TEXT
    );
    CREATE INDEX sync_logs_by_type ON sync_logs (type, started_at);
    CREATE INDEX sync_logs_by_status ON sync_logs (status, started_at);
    CREATE INDEX sync_logs_by_start ON sync_logs (started_at);

    CREATE TABLE request_minutes (
        minute TEXT PRIMARY KEY,
        requests INTEGER NOT NULL,
        throttled INTEGER NOT NULL
    ) WITHOUT ROWID;
"""


def upgrade(connection: sqlite3.Connection) -> None:
    """Take the steps that the file has not taken yet. The caller holds a write transaction: all or none."""
    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    migrations.apply(database)


@migrations()
def markets_whales_activity_and_log(db: Database) -> None:
    """The tables of the first release."""
    db.executescript(_FIRST_RELEASE)


@migrations()
def alerts_and_health(db: Database) -> None:
    """What has been told to whom, and an index by which a year of log answers at once."""
    db.executescript("""
        CREATE TABLE alert_states (
            job TEXT PRIMARY KEY,
            failing_since TEXT NOT NULL,
            alerted_at TEXT,
            recovered_at TEXT,
            refused_at TEXT
        ) WITHOUT ROWID;

        CREATE TABLE deliveries (
            channel TEXT PRIMARY KEY CHECK (channel IN ('alert', 'ping')),
            last_sent_at TEXT,
            last_error TEXT
        ) WITHOUT ROWID;

        CREATE INDEX sync_logs_by_type_and_status ON sync_logs (type, status, started_at);
    """)


@migrations()
def newest_page_of_a_wallet(db: Database) -> None:
    """What the newest page of a wallet looked like when it was stored, so that the same one is known at sight."""
    db.execute("ALTER TABLE whales ADD COLUMN newest_page BLOB")


@migrations()
def any_type_of_job_in_the_log(db: Database) -> None:
    """The log without a list of jobs: which ones there are is said in one place, the table of jobs."""
    db.executescript("""
        CREATE TABLE new_sync_logs (
            id INTEGER PRIMARY KEY,
            type TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'partial', 'failed', 'skipped')),
            started_at TEXT NOT NULL,
            ended_at TEXT,
            item_count INTEGER NOT NULL DEFAULT 0,
            failed_count INTEGER NOT NULL DEFAULT 0,
            request_count INTEGER NOT NULL DEFAULT 0,
            throttled_count INTEGER NOT NULL DEFAULT 0,
            error TEXT
        );
        INSERT INTO new_sync_logs SELECT id, type, status, started_at, ended_at, item_count, failed_count,
            request_count, throttled_count, error FROM sync_logs;
        DROP TABLE sync_logs;
        ALTER TABLE new_sync_logs RENAME TO sync_logs;
        CREATE INDEX sync_logs_by_type ON sync_logs (type, started_at);
        CREATE INDEX sync_logs_by_status ON sync_logs (status, started_at);
        CREATE INDEX sync_logs_by_start ON sync_logs (started_at);
        CREATE INDEX sync_logs_by_type_and_status ON sync_logs (type, status, started_at);
    """)


@migrations()
def topics_and_markets_of_one_number(db: Database) -> None:
    """The key of a market says whether it is a topic: upstream numbers topics and markets by counters that overlap.

    Lookups have a table of their own, because a market that only trades name has no row here yet.
    """
    columns = """
        platform, external_id, parent_external_id, market_type, title, status, labels, yes_label, no_label,
        yes_token_id, no_token_id, result_token_id, volume, volume_24h, volume_7d, quote_token, chain_id, slug, rules,
        url, created_at, cutoff_at, resolved_at, first_seen_at, updated_at
    """
    # Only names of columns are put in.
    db.executescript(f"""
        CREATE TABLE new_markets (
            platform TEXT NOT NULL,
            external_id TEXT NOT NULL,
            parent_external_id TEXT,
            market_type TEXT NOT NULL CHECK (market_type IN ('binary', 'categorical', 'child')),
            title TEXT NOT NULL,
            status TEXT NOT NULL
                CHECK (status IN ('created', 'activated', 'resolving', 'resolved', 'failed', 'deleted')),
            labels TEXT NOT NULL,
            yes_label TEXT,
            no_label TEXT,
            yes_token_id TEXT,
            no_token_id TEXT,
            result_token_id TEXT,
            volume REAL,
            volume_24h REAL,
            volume_7d REAL,
            quote_token TEXT,
            chain_id TEXT,
            slug TEXT,
            rules TEXT,
            url TEXT,
            created_at TEXT,
            cutoff_at TEXT,
            resolved_at TEXT,
            first_seen_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        );
        CREATE TABLE market_lookups (
            platform TEXT NOT NULL,
            external_id TEXT NOT NULL,
            is_topic INTEGER NOT NULL CHECK (is_topic IN (0, 1)),
            looked_up_at TEXT NOT NULL,
            fruitless INTEGER NOT NULL,
            due_at TEXT NOT NULL,
            PRIMARY KEY (platform, external_id, is_topic)
        ) WITHOUT ROWID;
        INSERT INTO new_markets ({columns}) SELECT {columns} FROM markets;
        INSERT INTO market_lookups SELECT platform, external_id, market_type = 'categorical', looked_up_at, 0,
            looked_up_at FROM markets WHERE looked_up_at IS NOT NULL;
        DROP TABLE markets;
        ALTER TABLE new_markets RENAME TO markets;
        CREATE UNIQUE INDEX markets_identity ON markets (platform, external_id, market_type = 'categorical');
        CREATE INDEX markets_by_status ON markets (status);
        CREATE INDEX markets_by_parent ON markets (parent_external_id);
    """)  # noqa: S608


@migrations()
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


@migrations()
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


@migrations()
def withdrawn_trades_and_doubted_histories(db: Database) -> None:
    """What a list shows no more, what waits for its confirmation, and how surely a wallet's history is known."""
    db.executescript("""
        ALTER TABLE whale_activity ADD COLUMN missed_at TEXT;
        ALTER TABLE whale_activity ADD COLUMN withdrawn_at TEXT;
        CREATE INDEX whale_activity_missed ON whale_activity (whale_address, missed_at)
            WHERE missed_at IS NOT NULL;

        CREATE TABLE waiting_trades (
            whale_id INTEGER NOT NULL,
            second INTEGER NOT NULL,
            fingerprint INTEGER NOT NULL,
            copies INTEGER NOT NULL,
            seen_at TEXT NOT NULL,
            PRIMARY KEY (whale_id, second, fingerprint)
        ) WITHOUT ROWID;

        ALTER TABLE whales ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN unordered INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN ahead_since TEXT;
        ALTER TABLE whales ADD COLUMN audit_began_at TEXT;
        ALTER TABLE whales ADD COLUMN audit_total INTEGER;
        ALTER TABLE whales ADD COLUMN audit_is_sound INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN whole_read_at TEXT;
        ALTER TABLE whales ADD COLUMN looked_through_at TEXT;
        ALTER TABLE whales ADD COLUMN listed_newest INTEGER;
        ALTER TABLE whales ADD COLUMN deep_failures INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN failed_below INTEGER;
        ALTER TABLE whales ADD COLUMN standing TEXT;
        ALTER TABLE whales ADD COLUMN standing_since TEXT;
    """)


@migrations()
def young_trades_to_look_at_again(db: Database) -> None:
    """From which second on a wallet's trades are so young that the exchange may still correct them."""
    db.executescript("""
        ALTER TABLE whales ADD COLUMN new_from INTEGER;
        ALTER TABLE whales ADD COLUMN recheck_from INTEGER;
        ALTER TABLE whales ADD COLUMN waiting_from INTEGER;
    """)
