"""Which of the tracked wallets this installation polls: the `shard` table, and `whales.elsewhere`."""

from datetime import datetime

from opinionscope.shards import Shard
from opinionscope.store.database import Store, Transaction
from opinionscope.times import to_seconds_text

HERE = "elsewhere = 0"
"""The condition on `whales` for a wallet of this shard, tracked or removed."""
TRACKED_HERE = f"enabled = 1 AND {HERE}"
"""The condition for one that this installation polls."""
_SHARD = "SELECT part, parts FROM shard"


def find_shard(store: Store) -> Shard | None:
    """The shard by which the wallets are assigned; None if all are polled here."""
    return next((Shard(*row) for row in store.query(_SHARD)), None)


def shard_in(transaction: Transaction) -> Shard | None:
    """The same, inside a transaction."""
    row = transaction.execute(_SHARD).fetchone()
    return None if row is None else Shard(*row)


def count_elsewhere(store: Store) -> int:
    """How many tracked wallets other shards poll."""
    return int(store.value("SELECT count(*) FROM whales WHERE elsewhere = 1 AND enabled = 1"))


def count_tracked_here(store: Store) -> int:
    """How many wallets this installation polls."""
    return int(store.value(f"SELECT count(*) FROM whales WHERE {TRACKED_HERE}"))  # noqa: S608


def take_shard(store: Store, shard: Shard | None, now: datetime) -> None:
    """Have this installation poll the wallets of the shard, or all. Takes one small query if it does so already.

    A wallet that comes here goes on from what is stored of it. Like one that is added again, it is polled soon, and
    what it traded before is no news. One that leaves keeps its rows.
    """
    if find_shard(store) == shard:
        return
    with store.transaction() as transaction:
        known = transaction.execute("SELECT id, address, elsewhere FROM whales").fetchall()
        leaves = [(row[0],) for row in known if not row[2] and _is_elsewhere(row[1], shard)]
        comes = [(to_seconds_text(now), row[0]) for row in known if row[2] and not _is_elsewhere(row[1], shard)]
        transaction.executemany("UPDATE whales SET elsewhere = 1 WHERE id = ?", leaves)
        transaction.executemany(
            "UPDATE whales SET elsewhere = 0, tracked_since = ?, last_polled_at = NULL WHERE id = ?", comes
        )
        transaction.execute("DELETE FROM shard")
        if shard is not None:
            transaction.execute("INSERT INTO shard (id, part, parts) VALUES (1, ?, ?)", (shard.part, shard.parts))


def _is_elsewhere(address: str, shard: Shard | None) -> bool:
    return shard is not None and not shard.polls(address)
