"""The databases of several shards as one."""

from sqlite_utils import Database


def merged_databases(db: Database) -> None:
    """What a merge has to know: in each database what has changed, and in a merged one what it was made of.

    Stored trades are changed in place, and purged. `whales.rewritten` counts the changes to a wallet's trades, `judged`
    those to its questions, and the row of `purges`, which the purge itself writes, all trades that were ever deleted:
    `until` is the time of the latest one. New trades need no trigger: they have the highest ids.

    A merged database has a row in `merged_databases` for each of its sources. `last_trade` is the id of the last trade
    that was taken from it, with the wallet and the time that it has there: they tell whether it is still the same one.
    `merged_wallets` says which source each wallet is taken from, and what its counters were then; `followed`: all of it
    is here, so that its further trades are news. `merged_markets` says which source a market was last taken from.
    """
    _count_changes(db)
    _note_sources(db)


def _count_changes(db: Database) -> None:
    db.executescript("""
        ALTER TABLE whales ADD COLUMN rewritten INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;

        CREATE TABLE purges (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            deleted INTEGER NOT NULL,
            until TEXT NOT NULL
        );
        INSERT INTO purges VALUES (1, 0, '');

        CREATE TRIGGER whale_activity_rewritten AFTER UPDATE ON whale_activity BEGIN
            UPDATE whales SET rewritten = rewritten + 1 WHERE address = new.whale_address;
        END;
        CREATE TRIGGER record_parts_judged AFTER INSERT ON record_parts BEGIN
            UPDATE whales SET judged = judged + 1 WHERE address = new.whale_address;
        END;
        CREATE TRIGGER record_parts_gone AFTER DELETE ON record_parts BEGIN
            UPDATE whales SET judged = judged + 1 WHERE address = old.whale_address;
        END;
    """)


def _note_sources(db: Database) -> None:
    db.executescript("""
        CREATE TABLE merged_databases (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            path TEXT NOT NULL UNIQUE,
            part INTEGER,
            parts INTEGER,
            last_trade INTEGER NOT NULL DEFAULT 0,
            last_trade_wallet TEXT,
            last_trade_seen_at TEXT,
            deleted INTEGER NOT NULL DEFAULT 0,
            followed INTEGER NOT NULL DEFAULT 0 CHECK (followed IN (0, 1)),
            merged_at TEXT,
            error TEXT,
            problems TEXT NOT NULL DEFAULT '[]'
        );

        CREATE TABLE merged_wallets (
            whale_address TEXT PRIMARY KEY,
            source_id INTEGER NOT NULL,
            rewritten INTEGER,
            judged INTEGER,
            known_trades INTEGER,
            unsummed INTEGER,
            positions_checked_at TEXT,
            followed INTEGER NOT NULL DEFAULT 0 CHECK (followed IN (0, 1))
        ) WITHOUT ROWID;
        CREATE INDEX merged_wallets_by_source ON merged_wallets (source_id);

        CREATE TABLE merged_markets (
            platform TEXT NOT NULL,
            external_id TEXT NOT NULL,
            is_topic INTEGER NOT NULL,
            source_id INTEGER NOT NULL,
            PRIMARY KEY (platform, external_id, is_topic)
        ) WITHOUT ROWID;
    """)


def news_of_merged_databases(db: Database) -> None:
    """What a merge has brought and the rules have not looked at yet, and what tells that a source was put back.

    A row of `merged_news` is a trade, by the key that it has in the merged database; `trade` is its id in the source.
    It is `ready` to be looked at when everything else in the source is here, too, such as what the wallet holds now.
    `merged_databases` has the source's last run when it was merged, which a database that was put back from an earlier
    backup lacks. `merged_wallets.news_after` is set for a wallet that comes from another source than before: what that
    one saw later is news, although it comes with the wallet.
    """
    db.executescript("""
        ALTER TABLE merged_databases ADD COLUMN last_run INTEGER;
        ALTER TABLE merged_databases ADD COLUMN last_run_started_at TEXT;
        ALTER TABLE merged_wallets ADD COLUMN news_after TEXT;

        CREATE TABLE merged_news (
            whale_address TEXT NOT NULL,
            timestamp TEXT NOT NULL,
            fingerprint INTEGER NOT NULL,
            copy INTEGER NOT NULL,
            source_id INTEGER NOT NULL,
            trade INTEGER NOT NULL,
            first_seen_at TEXT NOT NULL,
            ready INTEGER NOT NULL DEFAULT 0 CHECK (ready IN (0, 1)),
            PRIMARY KEY (whale_address, timestamp, fingerprint, copy)
        ) WITHOUT ROWID;
    """)
