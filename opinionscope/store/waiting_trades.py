"""The `waiting_trades` table: trades beyond what the total allows, until a later run confirms them."""

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from opinionscope.store.counted_trades import TradeKey
from opinionscope.store.database import Transaction
from opinionscope.times import to_millis_text


def confirmed_copies(transaction: Transaction, wallet_id: int, now: datetime) -> Counter[TradeKey]:
    """How many copies of each key an earlier run than that of `now` has seen waiting."""
    rows = transaction.execute(
        "SELECT second, fingerprint, copies FROM waiting_trades WHERE whale_id = ? AND seen_at < ?",
        (wallet_id, to_millis_text(now)),
    )
    return Counter({(row[0], row[1]): row[2] for row in rows})


def let_wait(transaction: Transaction, wallet_id: int, keys: Counter[TradeKey], now: datetime) -> None:
    """Remember how many copies of each key were seen in the run of `now`."""
    transaction.executemany(
        "INSERT INTO waiting_trades (whale_id, second, fingerprint, copies, seen_at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET copies = max(copies, excluded.copies), seen_at = "
        "iif(copies >= excluded.copies, seen_at, excluded.seen_at)",
        [(wallet_id, second, mark, copies, to_millis_text(now)) for (second, mark), copies in keys.items()],
    )


def end_waiting(transaction: Transaction, wallet_id: int, keys: Counter[TradeKey]) -> None:
    """Forget keys that are stored now."""
    transaction.executemany(
        "DELETE FROM waiting_trades WHERE whale_id = ? AND second = ? AND fingerprint = ?",
        [(wallet_id, *key) for key in keys],
    )


def forget_unconfirmed(
    transaction: Transaction, wallet_id: int, now: datetime, below: int | None, upto: int | None
) -> None:
    """Forget what earlier runs than that of `now` saw in the seconds after `below` up to `upto` (None: no bound)."""
    transaction.execute(
        "DELETE FROM waiting_trades WHERE whale_id = ? AND seen_at < ? AND second > ifnull(?, -1) "
        "AND (? IS NULL OR second <= ?)",
        (wallet_id, to_millis_text(now), below, upto, upto),
    )


class Waiting(NamedTuple):
    """How many keys wait, how many of them since an earlier run, and the earliest unix second of the others."""

    keys: int = 0
    earliest: int | None = None
    unconfirmed: int = 0


def count_waiting(transaction: Transaction, wallet_id: int, now: datetime) -> Waiting:
    """What waits after a page of the run of `now`."""
    row = transaction.execute(
        "SELECT count(*), min(iif(seen_at < :now, NULL, second)), count(iif(seen_at < :now, 1, NULL)) "
        "FROM waiting_trades WHERE whale_id = :wallet",
        {"now": to_millis_text(now), "wallet": wallet_id},
    ).fetchone()
    return Waiting(*row)
