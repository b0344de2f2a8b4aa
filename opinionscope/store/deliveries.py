"""The `deliveries` table: how the last alert and the last ping were delivered."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from opinionscope.records import Millis
from opinionscope.store.database import Store
from opinionscope.store.rows import StoredRow, select_first
from opinionscope.times import to_millis_text

Channel = Literal["alert", "ping"]


@dataclass(frozen=True)
class LastDelivery(StoredRow):
    """When a channel last accepted something, and what went wrong at the last attempt (None: nothing)."""

    TABLE: ClassVar[str] = "deliveries"

    last_sent_at: Millis | None = None
    last_error: str | None = None


def record_delivery(store: Store, channel: Channel, now: datetime, *, sent: bool, error: str | None) -> None:
    """Record an attempt: whether anybody accepted it, and what went wrong."""
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO deliveries (channel, last_sent_at, last_error) VALUES (?, ?, ?) "
            "ON CONFLICT (channel) DO UPDATE SET last_sent_at = ifnull(excluded.last_sent_at, last_sent_at), "
            "last_error = excluded.last_error",
            (channel, to_millis_text(now) if sent else None, error),
        )


def find_delivery(store: Store, channel: Channel) -> LastDelivery:
    """How the last attempt on a channel went."""
    return select_first(store, LastDelivery, "WHERE channel = ?", (channel,)) or LastDelivery()
