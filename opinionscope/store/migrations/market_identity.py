"""Topics and markets that have the same number."""

from sqlite_utils import Database


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
