"""How long after each trade the run began that saw it first."""

from array import array
from datetime import datetime, timedelta

from opinionscope.store.database import Store
from opinionscope.store.merged_databases import is_merged
from opinionscope.times import to_millis_text, to_seconds_text

WINDOW = timedelta(hours=24)
LATEST = timedelta(days=7)
"""Trades that were seen later than this are left out: they are found by their own time."""
_MOST_TRADES = 1_000_000


def find_delays(store: Store, now: datetime, address: str | None = None) -> "array[int]":
    """The delays, in seconds, of the trades, or of one wallet's, that were first seen in the last 24 hours.

    Only those that were seen after the whole history of their wallet had been read: older ones are history. Of more
    than a million the latest count.
    """
    of_wallet = "" if address is None else "AND a.whale_address = :address "
    return store.integers(
        "SELECT CAST(round((julianday(a.first_seen_at) - julianday(a.timestamp)) * 86400) AS INTEGER) "  # noqa: S608
        "FROM whale_activity AS a JOIN whales AS w ON w.address = a.whale_address "
        "WHERE a.timestamp >= :earliest AND a.id >= :first AND a.first_seen_at > :since AND a.first_seen_at <= :now "
        f"AND a.first_seen_at > w.history_read_at AND a.withdrawn_at IS NULL {of_wallet}"
        "ORDER BY a.timestamp DESC LIMIT :most",
        {
            "address": address,
            # A merged database has its trades in another order.
            "first": 0 if is_merged(store) else _first_seen_since(store, to_millis_text(now - WINDOW)),
            "earliest": to_seconds_text(now - LATEST),
            "since": to_millis_text(now - WINDOW),
            "now": to_millis_text(now),
            "most": _MOST_TRADES,
        },
    )


def _first_seen_since(store: Store, moment: str) -> int:
    """The id from which on trades were stored since then: ids and these times grow together.

    An index of the times has the ids in it, so that no trade that was stored before need be read.
    """
    low, high = 0, int(store.value("SELECT ifnull(max(id), 0) + 1 FROM whale_activity"))
    while low < high:
        middle = (low + high) // 2
        seen = store.value("SELECT first_seen_at FROM whale_activity WHERE id >= ? ORDER BY id LIMIT 1", (middle,))
        if seen is not None and seen < moment:
            low = middle + 1
        else:
            high = middle
    return low
