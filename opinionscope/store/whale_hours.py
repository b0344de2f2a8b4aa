"""The `whale_hours` table: each wallet's traded volume by the hour, which the rolling volumes are made of."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from opinionscope.store.database import Store, Transaction

SECONDS_PER_HOUR = 3600
KEPT = timedelta(days=31)
"""How long single hours are needed: the longest rolling window, plus its first, partial hour."""


def add_to_hours(transaction: Transaction, wallet_id: int, volumes: Mapping[int, float]) -> None:
    """Add new volume to the unix hours in which it was traded."""
    transaction.executemany(
        "INSERT INTO whale_hours (whale_id, hour, volume) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET volume = volume + excluded.volume",
        [(wallet_id, hour, volume) for hour, volume in volumes.items()],
    )


def purge_hours(store: Store, older_than: datetime, batch: int) -> int:
    """Delete at most `batch` hours from before the moment; how many were deleted."""
    with store.transaction() as connection:
        return connection.execute(
            # Wallet by wallet, as the primary key is ordered, so that the rows that stay are never scanned.
            "DELETE FROM whale_hours WHERE (whale_id, hour) IN (SELECT h.whale_id, h.hour FROM whales AS w "
            "CROSS JOIN whale_hours AS h ON h.whale_id = w.id WHERE h.hour < ? LIMIT ?)",
            (int(older_than.timestamp()) // SECONDS_PER_HOUR, batch),
        ).rowcount
