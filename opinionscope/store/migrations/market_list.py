"""The list of markets as it was stored last."""

from sqlite_utils import Database


def markets_as_they_were_listed(db: Database) -> None:
    """Of each market that is stored exactly as an entry of the list says: the digest of that entry.

    A table of its own, because the rows of `markets` are wide and change less often. Whatever else changes or deletes
    such a row takes away what is noted here, or the entry would be taken for stored when it comes again.
    """
    db.executescript("""
        CREATE TABLE listed_markets (
            platform TEXT NOT NULL,
            external_id TEXT NOT NULL,
            is_topic INTEGER NOT NULL CHECK (is_topic IN (0, 1)),
            entry BLOB NOT NULL,
            PRIMARY KEY (platform, external_id, is_topic)
        ) WITHOUT ROWID;
        CREATE TRIGGER markets_changed AFTER UPDATE ON markets BEGIN
            DELETE FROM listed_markets WHERE platform = old.platform AND external_id = old.external_id
                AND is_topic = (old.market_type = 'categorical');
        END;
        CREATE TRIGGER markets_gone AFTER DELETE ON markets BEGIN
            DELETE FROM listed_markets WHERE platform = old.platform AND external_id = old.external_id
                AND is_topic = (old.market_type = 'categorical');
        END;
    """)
