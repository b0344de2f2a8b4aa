"""Wallets that several installations share among them."""

from sqlite_utils import Database


def wallets_of_other_shards(db: Database) -> None:
    """Which part of the wallets this installation polls; those of the other parts are `elsewhere`.

    Without a row in `shard` it polls all of them.
    """
    db.executescript("""
        CREATE TABLE shard (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            part INTEGER NOT NULL,
            parts INTEGER NOT NULL CHECK (part BETWEEN 1 AND parts)
        );
        ALTER TABLE whales ADD COLUMN elsewhere INTEGER NOT NULL DEFAULT 0 CHECK (elsewhere IN (0, 1));
    """)
