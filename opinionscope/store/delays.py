"""How long after each trade the run that stored it had ended: from then on everything shows the trade."""

from array import array
from datetime import datetime, timedelta

from opinionscope.store.database import Store
from opinionscope.times import to_millis_text

WINDOW = timedelta(hours=24)
_MOST_TRADES = 200_000

# A run that was killed has no end on record: it had ended when the next one began. The + keeps SQLite from walking
# through all runs of the job on record.
_RUNS = """
    SELECT started_at, CAST(strftime('%s', ifnull(ended_at, iif(status = 'running', NULL, (
        SELECT started_at FROM sync_logs AS later
        WHERE type = 'whales' AND status <> 'skipped' AND later.id > run.id ORDER BY later.id LIMIT 1)))) AS INTEGER)
    FROM sync_logs AS run
    WHERE +type = 'whales' AND status <> 'skipped' AND started_at > :since AND started_at <= :now
"""
# A run's start is what its trades have as `first_seen_at`. Trades are read in the order in which they were stored,
# because no index has that time.
_DELAYS = f"""
    WITH runs (started_at, ended) AS MATERIALIZED ({_RUNS})
    SELECT runs.ended - CAST(strftime('%s', a.timestamp) AS INTEGER) FROM whale_activity AS a NOT INDEXED
    CROSS JOIN runs ON runs.started_at = a.first_seen_at
    CROSS JOIN whales AS w ON w.address = a.whale_address
    WHERE a.id >= :first AND a.first_seen_at > w.history_read_at AND a.withdrawn_at IS NULL AND runs.ended IS NOT NULL
"""  # noqa: S608


def find_delays(store: Store, now: datetime, address: str | None = None) -> "array[int]":
    """The delays, in seconds, of the trades, or of one wallet's, that runs of the last 24 hours stored.

    A delay lasts up to the end of the run. Trades of a run that has not ended have none yet. Only those count that were
    stored after the whole history of their wallet had been read: older ones are history. If more than 200,000 were
    stored, the latest count.
    """
    since, last = to_millis_text(now - WINDOW), int(store.value("SELECT ifnull(max(id), 0) FROM whale_activity"))
    of_wallet = "" if address is None else "AND a.whale_address = :address"
    return store.integers(
        f"{_DELAYS} {of_wallet}",
        {
            "address": address,
            "first": max(_first_seen_since(store, since, last), last - _MOST_TRADES + 1),
            "since": since,
            "now": to_millis_text(now),
        },
    )


def _first_seen_since(store: Store, moment: str, last: int) -> int:
    """The id from which on trades were stored since then: ids and these times grow together."""
    low, high = 0, last + 1
    while low < high:
        middle = (low + high) // 2
        seen = store.value("SELECT first_seen_at FROM whale_activity WHERE id >= ? ORDER BY id LIMIT 1", (middle,))
        if seen is not None and seen < moment:
            low = middle + 1
        else:
            high = middle
    return low
