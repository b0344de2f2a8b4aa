"""The `positions` table: the sums of each wallet's trades by market and outcome side, which trades join and leave.

Outcome side 1 is yes, 2 is no, and 0 stands for trades that do not say which. Readers find the derived figures in the
view `position_figures`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from opinionscope.store.database import Transaction
from opinionscope.store.markets import PLATFORM
from opinionscope.times import from_unix


class PositionKey(NamedTuple):
    """What tells the positions of a wallet apart."""

    market_external_id: str
    outcome_side: int


@dataclass(slots=True)
class PositionChange:
    """What some trades change in the sums of a position.

    `seconds` says for each unix second how many trades have joined, below zero how many have left. The names are those
    that the newest of them gives.
    """

    root_market_external_id: str | None = None
    market_title: str | None = None
    outcome: str | None = None
    named_at: int = 0
    buy_shares: float = 0.0
    buy_amount: float = 0.0
    sell_shares: float = 0.0
    sell_amount: float = 0.0
    split_shares: float = 0.0
    merge_shares: float = 0.0
    fees: float = 0.0
    trade_count: int = 0
    seconds: dict[int, int] = field(default_factory=dict)

    @property
    def first_and_last_joined(self) -> tuple[str | None, str | None]:
        """When the first and the last of the trades that joined were made (ISO text)."""
        joined = [second for second, trades in self.seconds.items() if trades > 0]
        return (from_unix(min(joined)), from_unix(max(joined))) if joined else (None, None)

    @property
    def has_left(self) -> bool:
        """Whether the trades of any second have become fewer."""
        return min(self.seconds.values()) < 0


_SUMS = ("buy_shares", "buy_amount", "sell_shares", "sell_amount", "split_shares", "merge_shares", "fees")
_NAMES = ("root_market_external_id", "market_title", "outcome")
_IS_NEWER = "ifnull(excluded.last_traded_at >= positions.last_traded_at, positions.last_traded_at IS NULL)"
_NEWER_NAMES = ", ".join(
    f"{name} = iif({_IS_NEWER}, ifnull(excluded.{name}, {name}), ifnull({name}, excluded.{name}))" for name in _NAMES
)
_UPSERT = f"""
    INSERT INTO positions (platform, whale_address, market_external_id, outcome_side, {", ".join(_NAMES)},
        {", ".join(_SUMS)}, trade_count, first_traded_at, last_traded_at)
    VALUES ('{PLATFORM}', {", ".join("?" * (len(_NAMES) + len(_SUMS) + 6))})
    ON CONFLICT (whale_address, platform, market_external_id, outcome_side) DO UPDATE SET
        {_NEWER_NAMES},
        {", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)},
        trade_count = trade_count + excluded.trade_count,
        first_traded_at = ifnull(min(first_traded_at, excluded.first_traded_at),
            ifnull(first_traded_at, excluded.first_traded_at)),
        last_traded_at = ifnull(max(last_traded_at, excluded.last_traded_at),
            ifnull(last_traded_at, excluded.last_traded_at))
"""  # noqa: S608
# By itself, because the upsert would write the index of what is due for every row, due before or not.
_MARK_DUE = f"""
    UPDATE positions SET figures_due = 1 WHERE figures_due = 0 AND whale_address = ? AND platform = '{PLATFORM}'
        AND market_external_id IN (SELECT value FROM json_each(?))
"""  # noqa: S608

_POSITION = f"whale_address = ? AND platform = '{PLATFORM}' AND market_external_id = ? AND outcome_side = ?"
# By the wallet's trades in time, which hold those of the position; a market's may be far more.
_FIND_TIMES_AGAIN = f"""
    UPDATE positions SET (first_traded_at, last_traded_at) = (
        SELECT iif(count(*) >= trade_count, min(timestamp), first_traded_at), ifnull(max(timestamp), last_traded_at)
        FROM whale_activity AS trade
        WHERE trade.whale_address = positions.whale_address
            AND trade.timestamp BETWEEN first_traded_at AND last_traded_at
            AND +trade.market_external_id = positions.market_external_id AND withdrawn_at IS NULL
            AND CASE
                WHEN action IN ('SPLIT', 'MERGE') THEN positions.outcome_side IN (1, 2)
                WHEN trade.outcome_side IN (1, 2) THEN trade.outcome_side = positions.outcome_side
                WHEN lower(trim(trade.outcome)) = 'yes' THEN positions.outcome_side = 1
                WHEN lower(trim(trade.outcome)) = 'no' THEN positions.outcome_side = 2
                ELSE positions.outcome_side = 0
            END)
    WHERE {_POSITION}
"""  # noqa: S608


def add_to_positions(transaction: Transaction, address: str, changes: Mapping[PositionKey, PositionChange]) -> None:
    """Add to a wallet's positions what its trades change, and have their figures worked out anew."""
    transaction.execute(_MARK_DUE, (address, json.dumps([key.market_external_id for key in changes])))
    transaction.executemany(_UPSERT, [_to_columns(address, key, change) for key, change in changes.items()])
    left = [key for key, change in changes.items() if change.has_left]
    if left:
        _clear_those_without_trades(transaction, address, left)
        # Trades that are only counted are older than those that are stored: where there are any, the first one stays.
        transaction.executemany(_FIND_TIMES_AGAIN, [(address, *key) for key in left])


def _to_columns(address: str, key: PositionKey, change: PositionChange) -> tuple[object, ...]:
    return (
        address,
        *key,
        change.root_market_external_id,
        change.market_title,
        change.outcome,
        change.buy_shares,
        change.buy_amount,
        change.sell_shares,
        change.sell_amount,
        change.split_shares,
        change.merge_shares,
        change.fees,
        change.trade_count,
        *change.first_and_last_joined,
    )


def _clear_those_without_trades(transaction: Transaction, address: str, keys: list[PositionKey]) -> None:
    """Clear the sums of positions that have no trade left: nothing stays of what adding and taking away rounded.

    The rows stay until `stats` has taken what they added out of the wallet's questions.
    """
    transaction.executemany(
        f"UPDATE positions SET {', '.join(f'{name} = 0' for name in _SUMS)}, trade_count = 0, first_traded_at = NULL, "  # noqa: S608
        f"last_traded_at = NULL WHERE {_POSITION} AND trade_count <= 0",
        [(address, *key) for key in keys],
    )
