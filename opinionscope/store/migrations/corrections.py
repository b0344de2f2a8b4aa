"""What the exchange corrects or withdraws after it was stored."""

from sqlite_utils import Database


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


def young_trades_to_look_at_again(db: Database) -> None:
    """From which second on a wallet's trades are so young that the exchange may still correct them."""
    db.executescript("""
        ALTER TABLE whales ADD COLUMN new_from INTEGER;
        ALTER TABLE whales ADD COLUMN recheck_from INTEGER;
        ALTER TABLE whales ADD COLUMN waiting_from INTEGER;
    """)
