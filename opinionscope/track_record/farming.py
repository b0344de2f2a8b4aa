"""Farming: trading for volume rather than profit, as far as it shows in one wallet. Its counterparties are hidden.

Amounts are in the quote token. Times are unix seconds.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import fsum
from typing import NamedTuple

WINDOW = timedelta(days=30)
ROUND_TRIP_SECONDS = 600
ROUND_TRIP_PRICE = 0.02
FLAGGED_SHARE = 0.8
FLAGGED_VOLUME = 10_000.0

_TRADED = ("BUY", "SELL")
_ROUNDING = 1e-9
"""Prices have few digits: beyond these, what differs is how floats are rounded."""


class Trade(NamedTuple):
    """A trade of one wallet. `outcome_side` is 1 (yes), 2 (no), or another for none; `price` is None if unknown."""

    market: str
    second: int
    action: str
    outcome_side: int
    shares: float
    amount: float
    price: float | None


@dataclass(frozen=True, slots=True)
class Farming:
    """The larger one of the two shares, both weighted by the volume of the markets, and the volume (BUY and SELL)."""

    share: float | None
    volume: float

    @property
    def is_flagged(self) -> bool:
        """Whether so much of it looks like farming that the wallet is flagged."""
        return self.share is not None and self.share >= FLAGGED_SHARE and self.volume >= FLAGGED_VOLUME


def measure_farming(trades: Iterable[Trade]) -> Farming:
    """How much of a wallet's trading looks like farming, from its trades of the last 30 days in any order."""
    markets: defaultdict[str, list[Trade]] = defaultdict(list)
    for trade in trades:
        markets[trade.market].append(trade)
    volumes = [fsum(trade.amount for trade in those if trade.action in _TRADED) for those in markets.values()]
    volume = fsum(volumes)
    offset, round_trips = (
        fsum(own * share(those) for own, those in zip(volumes, markets.values(), strict=True))
        for share in (offset_of, round_trips_of)
    )
    return Farming(min(1.0, max(offset, round_trips) / volume) if volume > 0 else None, volume)


def offset_of(trades: Sequence[Trade]) -> float:
    """Which part of what was bought in a market cancels out, because both of its outcomes were bought: 0 to 1."""
    yes, no = (
        fsum(trade.amount for trade in trades if trade.action == "BUY" and trade.outcome_side == side)
        for side in (1, 2)
    )
    return 2 * min(yes, no) / (yes + no) if yes + no > 0 else 0.0


def round_trips_of(trades: Sequence[Trade]) -> float:
    """Which part of what was bought in a market was sold or merged within 10 minutes at nearly the same price: 0 to 1.

    Each share that is sold or merged answers one share bought: the earliest that it can. A merge gives back 1 for a
    share of each outcome, so its price is compared to what both cost on average, or to 0.50 where only one was bought.
    """
    bought = fsum(trade.amount for trade in trades if trade.action == "BUY")
    if bought <= 0 or not any(trade.action in ("SELL", "MERGE") for trade in trades):
        return 0.0
    waiting = _Waiting([], [])
    returned = 0.0
    for trade in sorted((trade for trade in trades if trade.shares > 0), key=_by_time):
        if trade.action == "BUY":
            waiting.add(trade)
        else:
            waiting.forget_before(trade.second - ROUND_TRIP_SECONDS)
            returned += waiting.merge(trade.shares) if trade.action == "MERGE" else waiting.sell(trade)
    return min(1.0, returned / bought)


@dataclass(slots=True)
class _Purchase:
    """Shares bought that nothing has answered yet."""

    second: int
    price: float
    shares: float
    cost_per_share: float


@dataclass(slots=True)
class _Waiting:
    """The purchases of both outcomes, earliest first."""

    yes: list[_Purchase]
    no: list[_Purchase]

    def add(self, buy: Trade) -> None:
        if side := self._side(buy):
            side[0].append(_Purchase(buy.second, _price(buy), buy.shares, buy.amount / buy.shares))

    def forget_before(self, second: int) -> None:
        self.yes, self.no = (
            [each for each in side if each.second >= second and each.shares > 0] for side in (self.yes, self.no)
        )

    def sell(self, sale: Trade) -> float:
        """The amount that the shares answered by the sale had cost."""
        price = _price(sale)
        return sum(_take([each for each in side if _near(each.price, price)], sale.shares) for side in self._side(sale))

    def merge(self, shares: float) -> float:
        """What the shares that a merge of that many answered had cost."""
        sides = [side for side in (self.yes, self.no) if any(each.shares > 0 for each in side)]
        if sides and _near(sum(map(_average_price, sides)), len(sides) / 2):
            return sum(_take(side, shares) for side in sides)
        return 0.0

    def _side(self, trade: Trade) -> list[list[_Purchase]]:
        """The purchases of the outcome of a BUY or SELL; of none for a trade that names no outcome, or a split."""
        if trade.action not in _TRADED:
            return []
        return {1: [self.yes], 2: [self.no]}.get(trade.outcome_side, [])


def _take(purchases: Iterable[_Purchase], shares: float) -> float:
    amount = 0.0
    for purchase in purchases:
        taken = min(shares, purchase.shares)
        purchase.shares -= taken
        shares -= taken
        amount += taken * purchase.cost_per_share
    return amount


def _average_price(purchases: Sequence[_Purchase]) -> float:
    return sum(each.price * each.shares for each in purchases) / sum(each.shares for each in purchases)


def _price(trade: Trade) -> float:
    return trade.amount / trade.shares if trade.price is None else trade.price


def _near(price: float, other: float) -> bool:
    return abs(price - other) <= ROUND_TRIP_PRICE + _ROUNDING


def _by_time(trade: Trade) -> tuple[int, bool, Trade]:
    """In the order of time; within a second purchases come first, and equal trades are interchangeable."""
    return trade.second, trade.action != "BUY", trade._replace(price=trade.price or 0.0)
