"""The sums that follow from trades: what new ones add, what withdrawn ones take away, what corrections change."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from opinionscope.api.models import Trade
from opinionscope.jobs.whales.position_changes import PositionChanges
from opinionscope.polling.trade_rate import TradeRate
from opinionscope.store.database import Transaction
from opinionscope.store.known_trades import KnownTrade
from opinionscope.store.trade_rates import RateColumns, find_trade_rate, save_trade_rate
from opinionscope.store.whale_activity import NewTrade
from opinionscope.store.whale_figures import add_to_totals, find_newest_again
from opinionscope.store.whale_hours import SECONDS_PER_HOUR, add_to_hours
from opinionscope.times import from_unix

_TRADED = ("BUY", "SELL")
_NOTHING = Decimal(0)


@dataclass
class Sums:
    """By how much the totals, the positions and the rate of trading of one wallet change."""

    traded: int = 0
    volume: Decimal = _NOTHING
    profit: Decimal = _NOTHING
    hours: defaultdict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    seconds: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    newest: int | None = None
    has_taken: bool = False
    positions: PositionChanges = field(default_factory=PositionChanges)

    def add(self, trade: Trade, row: NewTrade) -> None:
        """A trade that is new, or back in another spelling, and its row."""
        self.newest = max(self.newest or 0, trade.created_at)
        self._count(1, trade.side, trade.amount, trade.profit, trade.created_at)
        self.positions.add(row, trade.created_at)

    def add_back(self, trade: KnownTrade) -> None:
        """A stored trade that was withdrawn and is back."""
        self.newest = max(self.newest or 0, trade.second)
        self._count(1, trade.action, exact(trade.amount), exact(trade.profit), trade.second)
        self.positions.add(trade, trade.second)

    def take_away(self, trade: KnownTrade) -> None:
        """A stored trade that is withdrawn, or about to be brought up to date."""
        self.has_taken = True
        self._count(-1, trade.action, exact(trade.amount), exact(trade.profit), trade.second)
        self.positions.take_away(trade, trade.second)

    def save(self, transaction: Transaction, wallet_id: int, address: str, hours_from: datetime) -> None:
        """Update what changes: positions, totals, the rate of trading, and the hours since `hours_from`."""
        self.positions.save(transaction, address)
        if self.newest is None and not self.has_taken:
            return
        add_to_totals(
            transaction,
            wallet_id,
            traded=self.traded,
            volume=float(self.volume),
            profit=float(self.profit),
            newest=None if self.newest is None else from_unix(self.newest),
        )
        self._save_rate(transaction, wallet_id)
        first_hour = hours_from.timestamp() // SECONDS_PER_HOUR
        hours = {hour: float(volume) for hour, volume in self.hours.items() if hour >= first_hour}
        add_to_hours(transaction, wallet_id, hours)
        if self.has_taken:
            find_newest_again(transaction, wallet_id)

    def _save_rate(self, transaction: Transaction, wallet_id: int) -> None:
        before = TradeRate(*find_trade_rate(transaction, wallet_id))
        after = before.with_trades(self.seconds)
        if after != before:
            save_trade_rate(transaction, wallet_id, RateColumns(*after))

    def _count(self, sign: int, side: str, amount: Decimal | None, profit: Decimal | None, second: int) -> None:
        self.profit += sign * (profit or _NOTHING)
        self.seconds[second] += sign
        if side in _TRADED and amount is not None:
            self.traded += sign
            self.volume += sign * amount
            self.hours[second // SECONDS_PER_HOUR] += sign * amount


def exact(number: float | None) -> Decimal | None:
    """The number of a REAL column as it was stored."""
    return None if number is None else Decimal(repr(number))
