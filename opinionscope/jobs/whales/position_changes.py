"""What trades change in a wallet's positions: sums that do not depend on the order in which trades arrive."""

from typing import Protocol

from opinionscope.store.database import Transaction
from opinionscope.store.positions import PositionChange, PositionKey, add_to_positions
from opinionscope.track_record.outcome_sides import BOTH_OUTCOMES, sides_of


class Traded(Protocol):
    """A filled trade, whether it is about to be stored or has been."""

    @property
    def market_external_id(self) -> str: ...
    @property
    def root_market_external_id(self) -> str | None: ...
    @property
    def market_title(self) -> str | None: ...
    @property
    def action(self) -> str: ...
    @property
    def outcome(self) -> str | None: ...
    @property
    def outcome_side(self) -> int | None: ...
    @property
    def shares(self) -> float | None: ...
    @property
    def amount(self) -> float: ...
    @property
    def fee(self) -> float | None: ...


class PositionChanges:
    """By how much the positions of one wallet change."""

    def __init__(self) -> None:
        self._changes: dict[PositionKey, PositionChange] = {}

    def add(self, trade: Traded, second: int) -> None:
        """A trade that joins the sums; `second` is when it was made, in unix seconds."""
        self._count(1, trade, second)

    def take_away(self, trade: Traded, second: int) -> None:
        """A trade that leaves them."""
        self._count(-1, trade, second)

    def save(self, transaction: Transaction, address: str) -> None:
        """Update the positions that change."""
        if self._changes:
            add_to_positions(transaction, address, self._changes)

    def _count(self, sign: int, trade: Traded, second: int) -> None:
        sides = sides_of(trade.action, trade.outcome_side, trade.outcome)
        for side in sides:
            key = PositionKey(trade.market_external_id, side)
            change = self._changes.get(key)
            if change is None:
                change = self._changes[key] = PositionChange()
            _add_figures(change, sign, trade)
            change.fees += sign * (trade.fee or 0.0) / len(sides)
            change.trade_count += sign
            change.seconds[second] = change.seconds.get(second, 0) + sign
            if sign > 0 and second >= change.named_at:
                _take_names(change, trade, side, second)


def _add_figures(change: PositionChange, sign: int, trade: Traded) -> None:
    shares = sign * (trade.shares or 0.0)
    match trade.action:
        case "BUY":
            change.buy_shares += shares
            change.buy_amount += sign * trade.amount
        case "SELL":
            change.sell_shares += shares
            change.sell_amount += sign * trade.amount
        case "SPLIT":
            change.split_shares += shares or sign * trade.amount
        case "MERGE":
            change.merge_shares += shares or sign * trade.amount


def _take_names(change: PositionChange, trade: Traded, side: int, second: int) -> None:
    change.named_at = second
    change.root_market_external_id = trade.root_market_external_id
    change.market_title = trade.market_title
    if trade.outcome_side == side or trade.action not in BOTH_OUTCOMES:
        change.outcome = trade.outcome
