"""The first release, and what its log and alerts were soon given."""

from sqlite_utils import Database

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


def markets_whales_activity_and_log(db: Database) -> None:
    """The tables of the first release."""
    db.executescript(_FIRST_RELEASE)


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


def newest_page_of_a_wallet(db: Database) -> None:
    """What the newest page of a wallet looked like when it was stored, so that the same one is known at sight."""
    db.execute("ALTER TABLE whales ADD COLUMN newest_page BLOB")


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
