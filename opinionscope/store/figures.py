"""The whales' figures: lifetime totals as they stand, and rolling volumes from the hours and the trades at the edge."""

from datetime import datetime, timedelta

from opinionscope.store.activity import SECONDS_PER_HOUR
from opinionscope.store.database import Store
from opinionscope.times import to_millis_text, to_seconds_text

_WINDOWS = {"volume_24h": timedelta(hours=24), "volume_7d": timedelta(days=7), "volume_30d": timedelta(days=30)}
LONGEST_WINDOW = timedelta(days=31)
"""For how long the volumes of single hours are needed: the longest window, and room for its first, cut hour."""


def publish_figures(store: Store, now: datetime) -> int:
    """Write the figures of every whale in one transaction; how many whales.

    The cost grows with the whales and the hours they traded in, not with the number of trades.
    """
    volumes = {name: _volume_since(store, now - window) for name, window in _WINDOWS.items()}
    whales = [row["id"] for row in store.query("SELECT id FROM whales")]
    moment = to_millis_text(now)
    with store.transaction() as connection:
        connection.executemany(
            "UPDATE whales SET trade_count = traded_count, total_volume = traded_volume, realized_profit = profit_sum, "
            "last_active_at = newest_trade_at, volume_24h = ?, volume_7d = ?, volume_30d = ?, stats_updated_at = ? "
            "WHERE id = ?",
            [(*(volumes[name].get(whale, 0.0) for name in _WINDOWS), moment, whale) for whale in whales],
        )
    return len(whales)


def _volume_since(store: Store, start: datetime) -> dict[int, float]:
    """BUY and SELL volume by whale id from `start` on: whole hours as summed, and the trades of the first, cut hour."""
    first_whole_hour = int(-(-start.timestamp() // SECONDS_PER_HOUR))
    rows = store.query(
        "SELECT w.id, (SELECT total(volume) FROM whale_hours WHERE whale_id = w.id AND hour >= ?) + "
        "(SELECT total(amount) FROM whale_activity WHERE whale_address = w.address AND timestamp >= ? "
        "AND timestamp < ? AND action IN ('BUY', 'SELL')) FROM whales AS w",
        (
            first_whole_hour,
            to_seconds_text(start),
            to_seconds_text(datetime.fromtimestamp(first_whole_hour * SECONDS_PER_HOUR, start.tzinfo)),
        ),
    )
    return {row[0]: row[1] for row in rows}


def purge_hours(store: Store, older_than: datetime, batch: int) -> int:
    """Delete at most `batch` of the hourly volumes from before the moment; how many went."""
    with store.transaction() as connection:
        return connection.execute(
            # Whale by whale, since the table is sorted so: what is left of others need not be looked at.
            "DELETE FROM whale_hours WHERE (whale_id, hour) IN (SELECT h.whale_id, h.hour FROM whales AS w "
            "CROSS JOIN whale_hours AS h ON h.whale_id = w.id WHERE h.hour < ? LIMIT ?)",
            (int(older_than.timestamp()) // SECONDS_PER_HOUR, batch),
        ).rowcount
