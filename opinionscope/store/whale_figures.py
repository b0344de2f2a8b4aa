"""The figures of each wallet in `whales`: lifetime totals, rolling volumes and the track record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from opinionscope.completeness import Completeness, judge_completeness
from opinionscope.store.database import Store, Transaction
from opinionscope.store.shards import HERE
from opinionscope.store.whale_hours import SECONDS_PER_HOUR
from opinionscope.times import to_millis_text, to_seconds_text

_WINDOWS = {"volume_24h": timedelta(hours=24), "volume_7d": timedelta(days=7), "volume_30d": timedelta(days=30)}


@dataclass(frozen=True)
class History:
    """How much of a wallet's history its positions cover. `unsummed` counts trades that are in no position yet."""

    id: int
    address: str
    completeness: Completeness
    unsummed: int


class RecordColumns(NamedTuple):
    """A wallet's track record, under the names of the columns."""

    net_profit: float | None
    unrealized_profit: float | None
    exposure: float | None
    decided_questions: int | None
    won_questions: int | None
    win_rate_low: float | None
    win_rate_high: float | None
    roi: float | None
    luck: float | None
    record_withheld: str | None


_RECORD_COLUMNS = RecordColumns._fields


def add_to_totals(
    transaction: Transaction, wallet_id: int, *, traded: int, volume: float, profit: float, newest: str | None
) -> None:
    """Add to the wallet's lifetime totals, or take from them. `traded` and `volume` cover BUY and SELL only.

    `newest` is when the newest of the added trades was made (ISO text).
    """
    transaction.execute(
        "UPDATE whales SET traded_count = traded_count + ?, traded_volume = traded_volume + ?, "
        "profit_sum = profit_sum + ?, newest_trade_at = nullif(max(ifnull(newest_trade_at, ''), ?), '') WHERE id = ?",
        (traded, volume, profit, newest or "", wallet_id),
    )


def find_newest_again(transaction: Transaction, wallet_id: int) -> None:
    """Find anew when the newest trade was made, after some were withdrawn. Without stored trades it stays as it is."""
    transaction.execute(
        "UPDATE whales SET newest_trade_at = ifnull((SELECT max(timestamp) FROM whale_activity "
        "WHERE whale_address = address AND withdrawn_at IS NULL), newest_trade_at) WHERE id = ?",
        (wallet_id,),
    )


def publish_figures(store: Store, now: datetime) -> int:
    """Write the figures of every wallet of this shard in one transaction; how many wallets.

    A trade that is dated later than the coming hour counts in no window. The cost grows with the wallets and the hours
    they traded in, not with the number of trades.
    """
    last_hour = int(now.timestamp() // SECONDS_PER_HOUR) + 1
    volumes = {name: _volume_since(store, now - window, last_hour) for name, window in _WINDOWS.items()}
    whales = [row[0] for row in store.query(f"SELECT id FROM whales WHERE {HERE}")]  # noqa: S608
    moment = to_millis_text(now)
    with store.transaction() as connection:
        connection.executemany(
            "UPDATE whales SET trade_count = traded_count, total_volume = traded_volume, realized_profit = profit_sum, "
            "last_active_at = newest_trade_at, volume_24h = ?, volume_7d = ?, volume_30d = ?, stats_updated_at = ? "
            "WHERE id = ?",
            [(*(volumes[name].get(whale, 0.0) for name in _WINDOWS), moment, whale) for whale in whales],
        )
    return len(whales)


def find_histories(store: Store) -> list[History]:
    """How much is known of each wallet of this shard, removed ones included."""
    rows = store.query(
        "SELECT id, address, unsummed, api_total, known_trades, history_read_at IS NOT NULL, "  # noqa: S608
        f"resume_position IS NOT NULL, doubted OR missed OR waiting FROM whales WHERE {HERE}"
    )
    return [
        History(
            id=row[0],
            address=row[1],
            unsummed=row[2],
            completeness=judge_completeness(
                total=row[3], known=row[4], end_reached=bool(row[5]), reading=bool(row[6]), doubted=bool(row[7])
            ),
        )
        for row in rows
    ]


def publish_records(store: Store, records: Sequence[tuple[int, RecordColumns]]) -> None:
    """Write the track record of each wallet, given by its id, in one transaction."""
    with store.transaction() as connection:
        connection.executemany(
            f"UPDATE whales SET {', '.join(f'{name} = ?' for name in _RECORD_COLUMNS)} WHERE id = ?",  # noqa: S608
            [(*columns, whale) for whale, columns in records],
        )


def _volume_since(store: Store, start: datetime, last_hour: int) -> dict[int, float]:
    """BUY and SELL volume by whale id from `start` to the end of `last_hour` (a unix hour).

    It is made of the whole hours, plus the trades of the first, partial hour.
    """
    first_whole_hour = int(-(-start.timestamp() // SECONDS_PER_HOUR))
    rows = store.query(
        "SELECT w.id, (SELECT total(volume) FROM whale_hours WHERE whale_id = w.id AND hour BETWEEN ? AND ?) + "  # noqa: S608
        "(SELECT total(amount) FROM whale_activity WHERE whale_address = w.address AND timestamp >= ? "
        f"AND timestamp < ? AND action IN ('BUY', 'SELL') AND withdrawn_at IS NULL) FROM whales AS w WHERE {HERE}",
        (
            first_whole_hour,
            last_hour,
            to_seconds_text(start),
            to_seconds_text(datetime.fromtimestamp(first_whole_hour * SECONDS_PER_HOUR, start.tzinfo)),
        ),
    )
    return {row[0]: row[1] for row in rows}
