"""What positions must hold, summed up from trades independently of the product, in exact numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from opinionscope.times import from_unix

COLUMNS = (
    "market_external_id, outcome_side, buy_shares, buy_amount, sell_shares, sell_amount, split_shares, merge_shares, "
    "trade_count, first_traded_at, last_traded_at, fees"
)
SELECT = f"SELECT {COLUMNS} FROM positions WHERE whale_address = ? AND trade_count > 0"
FIGURES = ("bought", "paid", "sold", "received", "split", "merged")

PositionRows = Iterable[tuple[Any, ...]]


class Fill(NamedTuple):
    """A filled trade. `sides` are the outcome sides that it belongs to."""

    market: str
    action: str
    sides: tuple[int, ...]
    shares: Decimal
    amount: Decimal
    fee: Decimal
    second: int


@dataclass
class TruePosition:
    """The sums of one outcome."""

    bought: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    split: Decimal = Decimal(0)
    merged: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    trades: int = 0
    first: int = 2**40
    last: int = 0

    def add(self, fill: Fill) -> None:
        """Add a fill."""
        match fill.action:
            case "BUY":
                self.bought, self.paid = self.bought + fill.shares, self.paid + fill.amount
            case "SELL":
                self.sold, self.received = self.sold + fill.shares, self.received + fill.amount
            case "SPLIT":
                self.split += fill.shares
            case "MERGE":
                self.merged += fill.shares
        self.fees += fill.fee / len(fill.sides)
        self.trades += 1
        self.first, self.last = min(self.first, fill.second), max(self.last, fill.second)


def sides_of(action: str, outcome_side: int | None, label: str | None) -> tuple[int, ...]:
    """The outcome sides that a trade belongs to."""
    if action in ("SPLIT", "MERGE"):
        return 1, 2
    named = {"yes": 1, "no": 2}.get((label or "").lower(), 0)
    return (outcome_side if outcome_side in (1, 2) else named,)


def true_positions(fills: Iterable[Fill]) -> dict[tuple[str, int], TruePosition]:
    """The positions that the fills make, by market and outcome side."""
    positions: dict[tuple[str, int], TruePosition] = {}
    for fill in fills:
        for side in fill.sides:
            positions.setdefault((fill.market, side), TruePosition()).add(fill)
    return positions


def assert_positions(rows: PositionRows, fills: Iterable[Fill], *, with_fees: bool = True) -> None:
    """The rows of `SELECT` are what the fills make, no more and no less."""
    stored = {(str(row[0]), int(row[1])): row[2:] for row in rows}
    true = true_positions(fills)
    assert stored.keys() == true.keys()
    for key, (*figures, trades, first, last, fees) in stored.items():
        position = true[key]
        assert (trades, first, last) == (position.trades, from_unix(position.first), from_unix(position.last)), key
        expected = [float(getattr(position, name)) for name in FIGURES]
        assert figures == pytest.approx(expected, rel=1e-9, abs=1e-6), key
        if with_fees:
            assert fees == pytest.approx(float(position.fees), rel=1e-9, abs=1e-6), key
