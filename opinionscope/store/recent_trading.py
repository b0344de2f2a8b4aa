"""What each wallet has traded lately, and how much of that looks like farming: trades and columns of `whales`."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from opinionscope.store.database import Store
from opinionscope.store.shards import HERE
from opinionscope.times import to_millis_text, to_seconds_text


class RecentTrade(NamedTuple):
    """A stored trade. `second` is unix time, `outcome_side` 0 for a trade that names no outcome."""

    market_external_id: str
    second: int
    action: str
    outcome_side: int
    shares: float
    amount: float
    price: float | None


class FarmingColumns(NamedTuple):
    """What is stored of a wallet's farming, under the names of the columns."""

    farming_share: float | None
    farming_since: str | None
    flagged: bool


def find_least_recently_checked(store: Store) -> list[str]:
    """The addresses of the wallets of this shard, those whose farming was never or least recently measured first."""
    sql = f"SELECT address FROM whales WHERE {HERE} ORDER BY farming_checked_at, id"  # noqa: S608
    return [row[0] for row in store.query(sql)]


def find_recent_trades(store: Store, address: str, since: datetime, until: datetime) -> list[RecentTrade]:
    """The stored trades of a wallet between the two moments, oldest first."""
    rows = store.query(
        "SELECT market_external_id, CAST(strftime('%s', timestamp) AS INTEGER), action, CASE "
        "WHEN outcome_side IN (1, 2) THEN outcome_side WHEN lower(trim(outcome)) = 'yes' THEN 1 "
        "WHEN lower(trim(outcome)) = 'no' THEN 2 ELSE 0 END, "
        "ifnull(shares, 0), amount, price "
        "FROM whale_activity WHERE whale_address = ? AND timestamp >= ? AND timestamp <= ? AND withdrawn_at IS NULL "
        "ORDER BY timestamp",
        (address, to_seconds_text(since), to_seconds_text(until)),
    )
    return [RecentTrade(*row) for row in rows]


def save_farming(store: Store, measured: Sequence[tuple[str, FarmingColumns]], now: datetime) -> None:
    """Store what was measured of each wallet, given by its address, in one transaction."""
    moment = to_millis_text(now)
    with store.transaction() as connection:
        connection.executemany(
            "UPDATE whales SET farming_share = ?, farming_since = ?, flagged = ?, farming_checked_at = ? "
            "WHERE address = ?",
            [(*columns, moment, address) for address, columns in measured],
        )
