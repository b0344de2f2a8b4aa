"""Trades of a merged database: how they come from the source that is attached, and go when they were purged there."""

from typing import NamedTuple

from opinionscope.store.database import Transaction
from opinionscope.store.mirroring import TRADES, insertion

SAME_TRADE = " AND ".join(f"theirs.{name} = ours.{name}" for name in TRADES.key)
"""The condition that the trades `ours` and `theirs` are the same one."""

# The + has SQLite go through the trades in the order in which they were stored, however few wallets there are.
_WANTED = """
    id > :after AND id <= :upto AND +whale_address IN (
        SELECT wallet.whale_address FROM main.merged_wallets AS wallet
            JOIN source.whales AS whale ON whale.address = wallet.whale_address
        WHERE source_id = :source AND wallet.rewritten = whale.rewritten)
"""
_NOTE_LAST = """
    UPDATE main.merged_databases SET last_trade = theirs.id, last_trade_wallet = theirs.whale_address,
        last_trade_seen_at = theirs.first_seen_at
    FROM source.whale_activity AS theirs
    WHERE theirs.id = ifnull(:upto, (SELECT max(id) FROM source.whale_activity)) AND merged_databases.id = :source
"""
_DELETE_PURGED = f"""
    DELETE FROM main.whale_activity WHERE id IN (
        SELECT ours.id FROM main.whale_activity AS ours
        WHERE ours.timestamp <= (SELECT until FROM source.purges)
            AND ours.whale_address IN (SELECT whale_address FROM main.merged_wallets WHERE source_id = :source)
            AND NOT EXISTS (SELECT 1 FROM source.whale_activity AS theirs WHERE {SAME_TRADE})
        LIMIT :most)
"""  # noqa: S608
_MISCOUNTED = """
    SELECT whale_address FROM main.merged_wallets AS wallet WHERE source_id = :source
        AND (SELECT count(*) FROM main.whale_activity AS ours WHERE ours.whale_address = wallet.whale_address)
        <> (SELECT count(*) FROM source.whale_activity AS theirs WHERE theirs.whale_address = wallet.whale_address)
"""


class LastTrade(NamedTuple):
    """The last trade that was taken from a source: its id there (0 without any), and when it was first seen."""

    id: int
    seen_at: str


def find_last_taken(transaction: Transaction, source_id: int) -> LastTrade:
    """Up to where the trades of the source have been taken."""
    sql = "SELECT last_trade, ifnull(last_trade_seen_at, '') FROM main.merged_databases WHERE id = ?"
    return LastTrade(*transaction.execute(sql, (source_id,)).fetchone())


def copy_trades(transaction: Transaction, source_id: int, most: int = -1) -> int:
    """Copy the next trades of the attached source, at most `most` of all that it has (-1: all); how many it had.

    Trades of wallets of which stored trades have changed there are left out.
    """
    after = find_last_taken(transaction, source_id).id
    found, upto = transaction.execute(
        "SELECT count(*), max(id) FROM (SELECT id FROM source.whale_activity WHERE id > ? ORDER BY id LIMIT ?)",
        (after, most),
    ).fetchone()
    if found:
        statement = insertion(TRADES, TRADES.columns(transaction), _WANTED)
        transaction.execute(statement, {"after": after, "upto": upto, "source": source_id})
    # A source that was replaced may have lower ids than before; then it must not be doubted again.
    transaction.execute(_NOTE_LAST, {"upto": upto, "source": source_id})
    return int(found)


def has_purged(transaction: Transaction, source_id: int) -> bool:
    """Whether trades have been purged in the attached source since it was merged."""
    sql = "SELECT deleted <> (SELECT deleted FROM source.purges) FROM main.merged_databases WHERE id = ?"
    return bool(transaction.execute(sql, (source_id,)).fetchone()[0])


def delete_purged(transaction: Transaction, source_id: int, most: int = -1) -> int:
    """Delete at most `most` trades (-1: all) that the attached source has purged; how many."""
    return transaction.execute(_DELETE_PURGED, {"source": source_id, "most": most}).rowcount


def find_miscounted(transaction: Transaction, source_id: int) -> list[str]:
    """The wallets of which the attached source has more or fewer trades: an id is given again after a purge."""
    return [row[0] for row in transaction.execute(_MISCOUNTED, {"source": source_id})]


def count_further(transaction: Transaction, source_id: int) -> int:
    """How many trades the attached source may have, at most, after the one that was taken last."""
    after = find_last_taken(transaction, source_id).id
    return int(transaction.execute("SELECT ifnull(max(id), 0) FROM source.whale_activity").fetchone()[0]) - after
