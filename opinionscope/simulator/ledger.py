"""What a wallet holds: the sums of its trades, and of what was transferred."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from opinionscope.simulator.simulated_trade import SimulatedTrade
from opinionscope.simulator.transfer import Transfer

HoldingKey = tuple[int, int]
"""A market and an outcome side: 1 yes, 2 no."""
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares of one outcome, and what was paid for them in the quote token."""

    shares: Decimal = _NONE
    cost: Decimal = _NONE

    def plus(self, shares: Decimal, cost: Decimal) -> "Holding":
        """With more shares. `shares` below zero are given away at the average cost."""
        if shares < 0:
            cost = -self.cost_of(-shares)
        return Holding(self.shares + shares, self.cost + cost)

    def cost_of(self, shares: Decimal) -> Decimal:
        """What that many of the shares cost on average."""
        return self.cost * shares / self.shares if self.shares else _NONE


class Ledger:
    """The holdings of one wallet. Splits cost half of their amount a side; merges give both sides back."""

    def __init__(self, trades: Iterable[SimulatedTrade] = (), transfers: Iterable[Transfer] = ()) -> None:
        self._holdings: dict[HoldingKey, Holding] = {}
        # What is sold was there before, so of one second the transfers come first.
        events: list[SimulatedTrade | Transfer] = [*transfers, *trades]
        for event in sorted(events, key=lambda event: event.created_at):
            if isinstance(event, Transfer):
                self.receive(event)
            else:
                self.apply(event)

    def __getitem__(self, key: HoldingKey) -> Holding:
        return self._holdings.get(key, Holding())

    def held(self) -> dict[HoldingKey, Holding]:
        """All holdings with shares."""
        return {key: holding for key, holding in self._holdings.items() if holding.shares}

    def receive(self, transfer: Transfer) -> None:
        """Add what was transferred, which cost nothing, or take it away."""
        self._add((transfer.market_id, transfer.outcome_side), transfer.shares)

    def apply(self, trade: SimulatedTrade) -> None:
        """Add a trade; one that was not filled, or whose figures a test made unreadable, changes nothing."""
        try:
            amount, shares = Decimal(trade.amount), Decimal(trade.tokens)
        except InvalidOperation:
            return
        if not trade.is_filled:
            return
        match trade.side:
            case "Buy":
                self._add((trade.market_id, trade.outcome_side), shares, amount)
            case "Sell":
                self._add((trade.market_id, trade.outcome_side), -shares)
            case "Split" | "Merge":
                tokens = shares if trade.side == "Split" else -shares
                for side in (1, 2):
                    self._add((trade.market_id, side), tokens, amount / 2)

    def _add(self, key: HoldingKey, shares: Decimal, cost: Decimal = _NONE) -> None:
        self._holdings[key] = self[key].plus(shares, cost)
