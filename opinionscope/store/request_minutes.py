"""The `request_minutes` table: requests sent and 429 answers received, by the minute."""

from collections.abc import Mapping
from datetime import datetime

from opinionscope.store.clock import ExchangeTime, record_exchange_time
from opinionscope.store.database import Store
from opinionscope.times import from_text, to_millis_text

Minutes = Mapping[datetime, tuple[int, int]]
"""Requests sent and 429 answers received, by minute (UTC)."""


def record_requests(store: Store, minutes: Minutes, clock: ExchangeTime | None = None) -> None:
    """Store the counts of each minute, of all processes together, and the exchange's time if it has told it."""
    with store.transaction() as connection:
        connection.executemany(
            "INSERT INTO request_minutes (minute, requests, throttled) VALUES (?, ?, ?) ON CONFLICT (minute) DO UPDATE "
            "SET requests = max(requests, excluded.requests), throttled = max(throttled, excluded.throttled)",
            [(to_millis_text(minute), *counts) for minute, counts in minutes.items()],
        )
        if clock is not None:
            record_exchange_time(connection, clock)


def minutes_since(store: Store, since: datetime) -> dict[datetime, tuple[int, int]]:
    """The counts of each minute, as of the last sync run that ended."""
    rows = store.query(
        "SELECT minute, requests, throttled FROM request_minutes WHERE minute >= ?", (to_millis_text(since),)
    )
    return {from_text(minute): (requests, throttled) for minute, requests, throttled in rows}


def purge_requests(store: Store, older_than: datetime, batch: int) -> int:
    """Delete at most `batch` minutes before `older_than`; how many were deleted."""
    with store.transaction() as connection:
        return connection.execute(
            "DELETE FROM request_minutes WHERE minute IN (SELECT minute FROM request_minutes WHERE minute < ? LIMIT ?)",
            (to_millis_text(older_than), batch),
        ).rowcount
