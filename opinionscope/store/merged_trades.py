"""Trades of a merged database: how they come from the source that is attached, and go when they were purged there."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from opinionscope.store.database import Transaction
from opinionscope.store.mirroring import TRADES, insertion
from opinionscope.store.whale_activity import NewTrade

_COLUMNS = NewTrade._fields
_SAME_TRADE = " AND ".join(f"theirs.{name} = ours.{name}" for name in TRADES.key)

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
            AND NOT EXISTS (SELECT 1 FROM source.whale_activity AS theirs WHERE {_SAME_TRADE})
        LIMIT :most)
"""  # noqa: S608
_MISCOUNTED = """
    SELECT whale_address FROM main.merged_wallets AS wallet WHERE source_id = :source
        AND (SELECT count(*) FROM main.whale_activity AS ours WHERE ours.whale_address = wallet.whale_address)
        <> (SELECT count(*) FROM source.whale_activity AS theirs WHERE theirs.whale_address = wallet.whale_address)
"""
_NEWS = f"""
    SELECT ours.whale_address, {", ".join(f"ours.{name}" for name in _COLUMNS)}
    FROM main.whale_activity AS ours
        JOIN source.whale_activity AS theirs ON {_SAME_TRADE}
        JOIN source.whales AS whale ON whale.address = ours.whale_address
        JOIN main.merged_wallets AS wallet ON wallet.whale_address = ours.whale_address AND wallet.followed = 1
    WHERE ours.id > :stored_before AND (theirs.id > :after OR theirs.first_seen_at > :seen_at)
        AND theirs.first_seen_at > whale.history_read_at AND ours.withdrawn_at IS NULL
    ORDER BY ours.whale_address, ours.id
"""  # noqa: S608


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


def doubt_replaced(transaction: Transaction, source_id: int) -> None:
    """Have all trades compared if the attached source is not the one that it was, as after `restore`.

    Its last trade that was taken is another one then, or is gone. It may have been purged, but that is rare.
    """
    transaction.execute(
        "UPDATE main.merged_wallets SET rewritten = NULL WHERE source_id = :source AND EXISTS ("
        "SELECT 1 FROM main.merged_databases AS taken "
        "LEFT JOIN source.whale_activity AS theirs ON theirs.id = taken.last_trade "
        "WHERE taken.id = :source AND last_trade > 0 "
        "AND (theirs.whale_address, theirs.first_seen_at) IS NOT (last_trade_wallet, last_trade_seen_at))",
        {"source": source_id},
    )


def find_news(transaction: Transaction, last: LastTrade, stored_before: int) -> Iterator[tuple[str, list[NewTrade]]]:
    """The trades that are stored with higher ids than `stored_before` and are news, wallet by wallet.

    News is what the attached source saw after the trade that was taken last, of a wallet whose whole history it had
    read by then, and of which everything has been here before.
    """
    parameters = {"stored_before": stored_before, "after": last.id, "seen_at": last.seen_at}
    rows = transaction.execute(_NEWS, parameters).fetchall()
    for address, trades in groupby(rows, key=itemgetter(0)):
        yield address, [NewTrade(*tuple(row)[1:]) for row in trades]
