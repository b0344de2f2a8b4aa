"""Trades that were counted before there were positions: each joins its position when the list shows it again.

Copies of a key are equal in all that a position sums up but the fee, so any of them that a page shows will do.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from opinionscope.api.models import Trade
from opinionscope.jobs.whales.listed_page import PageRead
from opinionscope.jobs.whales.position_changes import PositionChanges
from opinionscope.jobs.whales.trade_key import pick_new
from opinionscope.jobs.whales.trade_row import trade_row
from opinionscope.store.counted_trades import TradeKey
from opinionscope.store.database import Transaction
from opinionscope.store.known_trades import KnownTrade
from opinionscope.store.unsummed_trades import find_unsummed, forget_unsummed
from opinionscope.store.whale_progress import Wallet


@dataclass
class Unsummed:
    """Those of the seconds of one page: how many `copies` of each key there are, and how many were `taken`."""

    copies: Counter[TradeKey] = field(default_factory=Counter)
    taken: Counter[TradeKey] = field(default_factory=Counter)

    @classmethod
    def of_page(cls, transaction: Transaction, wallet: Wallet, read: PageRead) -> Self:
        """What is in no sum yet of the seconds of the page."""
        if not (wallet.unsummed and read.trades):
            return cls()
        return cls(find_unsummed(transaction, wallet.id, {second for second, _ in read.trades}))

    def take(
        self, key: TradeKey, trades: list[Trade], known: int, stored: Sequence[KnownTrade], positions: PositionChanges
    ) -> None:
        """Let those of the equal `trades` of a page join the sums that are among the `known` ones and in none."""
        unsummed = self.copies[key]
        if unsummed:
            candidates = pick_new(trades, 0, Counter((row.fee, row.profit) for row in stored))
            for trade in candidates[max(0, len(trades) - known) :][:unsummed]:
                self.take_one(key, trade, positions)

    def take_one(self, key: TradeKey, trade: Trade, positions: PositionChanges) -> None:
        """Let a trade join the sums that was known by the key, if it is in none. What was never filled adds nothing."""
        if self.taken[key] < self.copies[key]:
            self.taken[key] += 1
            if trade.is_filled:
                positions.add(trade_row(trade, key, 0), trade.created_at)

    def save(self, transaction: Transaction, wallet_id: int) -> None:
        """Note which trades are in the sums now."""
        if self.taken.total():
            forget_unsummed(transaction, wallet_id, +self.taken)
