"""Rules and signals."""

from sqlite_utils import Database


def rules_and_signals(db: Database) -> None:
    """What the user wants to be told of, what there is to tell, and who has been told.

    `signals` is an outbox: a row is written in the transaction of its cause. Its `uid` is random, because an `id` is
    given again to another signal when a backup has been put back. `signal_deliveries` says for each signal and target
    how far it is, `signal_targets` how each target does. `told_in` is the signal of several that tells of one,
    `fill_ids` are the trades of an order, as a JSON array. `consensus_told` is how strong each consensus that stands
    was when it was told. A wallet's news begins at `tracked_since`.
    """
    db.executescript("""
        CREATE TABLE rules (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            filters TEXT NOT NULL,
            targets TEXT NOT NULL,
            cooldown_seconds INTEGER NOT NULL,
            digest_at TEXT,
            enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
            created_at TEXT NOT NULL,
            active_since TEXT NOT NULL,
            digested_until TEXT
        );

        CREATE TABLE signals (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            uid TEXT NOT NULL,
            rule_id INTEGER NOT NULL,
            rule TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('order', 'consensus', 'digest', 'summary')),
            whale_address TEXT,
            market_external_id TEXT,
            outcome_side INTEGER,
            action TEXT,
            change TEXT,
            fills INTEGER,
            shares REAL,
            amount REAL,
            price REAL,
            first_fill_at TEXT,
            last_fill_at TEXT,
            detected_at TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'suppressed', 'failed')),
            reason TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            sent_at TEXT,
            document TEXT NOT NULL,
            told_in INTEGER,
            fill_ids TEXT NOT NULL DEFAULT '[]'
        );
        CREATE INDEX signals_by_fills ON signals (whale_address, last_fill_at);
        CREATE INDEX signals_by_rule ON signals (rule_id, detected_at);
        CREATE INDEX signals_by_time ON signals (detected_at);

        CREATE TABLE signal_deliveries (
            signal_id INTEGER NOT NULL,
            target TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'suppressed', 'failed')),
            attempts INTEGER NOT NULL DEFAULT 0,
            due_at TEXT,
            reason TEXT,
            sent_at TEXT,
            PRIMARY KEY (signal_id, target)
        ) WITHOUT ROWID;
        CREATE INDEX signal_deliveries_pending ON signal_deliveries (target, signal_id) WHERE state = 'pending';

        CREATE TABLE signal_targets (
            target TEXT PRIMARY KEY,
            failing_since TEXT,
            last_error TEXT,
            last_sent_at TEXT
        ) WITHOUT ROWID;

        CREATE TABLE consensus_told (
            rule_id INTEGER NOT NULL,
            market_external_id TEXT NOT NULL,
            outcome_side INTEGER NOT NULL,
            whales INTEGER NOT NULL,
            exposure REAL NOT NULL,
            PRIMARY KEY (rule_id, market_external_id, outcome_side)
        ) WITHOUT ROWID;

        ALTER TABLE whales ADD COLUMN tracked_since TEXT;
        UPDATE whales SET tracked_since = added_at;
    """)
