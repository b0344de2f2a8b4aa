"""The positions and the track record of a wallet, worked out from what truly happened on a simulated exchange.

Nothing of opinionscope's own arithmetic is used. It starts from the trades and the markets themselves, in exact
decimals, and follows the money: what a wallet paid, what it got back, and what its shares pay in the end.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import sqrt

from opinionscope.simulator import Exchange, SimulatedTrade
from opinionscope.simulator.simulated_market import DELETED, FAILED, RESOLVED, SimulatedMarket

Key = tuple[int, int]
"""A market and an outcome side: 1 yes, 2 no."""
Question = tuple[bool, int]
"""Whether it is a topic, and its number."""

ZERO, HALF, DUST = Decimal(0), Decimal("0.5"), Decimal("0.01")
DAY = 86_400


@dataclass
class TruePosition:
    """One outcome of a market, and every amount that went into it or came out of it."""

    market: SimulatedMarket
    side: int
    bought: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    sold: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    split: list[Decimal] = field(default_factory=list)
    merged: list[Decimal] = field(default_factory=list)

    @property
    def acquired(self) -> Decimal:
        return sum((shares for shares, _ in self.bought), ZERO) + sum(self.split, ZERO)

    @property
    def paid(self) -> Decimal:
        return sum((amount for _, amount in self.bought), ZERO) + HALF * sum(self.split, ZERO)

    @property
    def given(self) -> Decimal:
        return sum((shares for shares, _ in self.sold), ZERO) + sum(self.merged, ZERO)

    @property
    def received(self) -> Decimal:
        return sum((amount for _, amount in self.sold), ZERO) + HALF * sum(self.merged, ZERO)

    @property
    def cost_per_share(self) -> Decimal | None:
        return self.paid / self.acquired if self.acquired else None

    @property
    def net_shares(self) -> Decimal:
        held = max(self.acquired - self.given, ZERO)
        return held if held * (self.cost_per_share or ZERO) >= DUST else ZERO

    @property
    def unexplained_shares(self) -> Decimal:
        excess = max(self.given - self.acquired, ZERO)
        value = self.cost_per_share or (self.received / self.given if self.given else ZERO)
        return excess if excess * value >= DUST else ZERO

    @property
    def exposure(self) -> Decimal:
        return self.net_shares * (self.cost_per_share or ZERO)

    @property
    def realized(self) -> Decimal:
        """What came in for shares that the wallet had bought or split, minus what exactly these had cost."""
        if not self.acquired or not self.given:
            return ZERO
        if self.given <= self.acquired:
            return self.received - self.paid * self.given / self.acquired
        return self.received * self.acquired / self.given - self.paid

    @property
    def payout(self) -> Decimal | None:
        """What a share pays; None while nobody knows, or where the market came to nothing."""
        winner = self.market.winning_side
        if self.market.status != RESOLVED or winner is None:
            return None
        return Decimal(winner == self.side)

    @property
    def state(self) -> str:
        if not self.net_shares:
            return "exited"
        if self.payout is not None:
            return "won" if self.payout else "lost"
        return "void" if self.is_of_a_void_market else "open"

    @property
    def is_of_a_void_market(self) -> bool:
        return self.payout is None and self.market.status in (RESOLVED, FAILED, DELETED)

    @property
    def settled(self) -> Decimal:
        return ZERO if self.payout is None else self.net_shares * self.payout - self.exposure

    def unrealized(self, mark: Decimal | None) -> Decimal | None:
        if self.state != "open":
            return ZERO
        return None if mark is None else self.net_shares * mark - self.exposure


@dataclass(frozen=True)
class TrueRecord:
    """The figures of a wallet; `record` ones are None below 20 decided questions."""

    net_profit: Decimal
    exposure: Decimal
    unrealized: Decimal
    decided: int
    won: int
    interval: tuple[float, float] | None
    roi: float | None
    luck: float | None


def true_positions(exchange: Exchange, trades: Iterable[SimulatedTrade]) -> dict[Key, TruePosition]:
    """The positions that these trades of one wallet made; what was never filled made none."""
    positions: dict[Key, TruePosition] = {}

    def at(trade: SimulatedTrade, side: int) -> TruePosition:
        key = trade.market_id, side
        return positions.setdefault(key, TruePosition(exchange.market(trade.market_id), side))

    for trade in trades:
        if not trade.is_filled:
            continue
        shares, amount = Decimal(trade.shares), Decimal(trade.amount)
        match trade.side:
            case "Buy":
                at(trade, trade.outcome_side).bought.append((shares, amount))
            case "Sell":
                at(trade, trade.outcome_side).sold.append((shares, amount))
            case "Split":
                for side in (1, 2):
                    at(trade, side).split.append(shares or amount)
            case "Merge":
                for side in (1, 2):
                    at(trade, side).merged.append(shares or amount)
    return positions


def true_marks(exchange: Exchange, address: str) -> dict[Key, Decimal]:
    """What the exchange values a share of each listed position at."""
    return {
        (each["marketId"], each["outcomeSide"]): Decimal(each["currentValueInQuoteToken"])
        / Decimal(each["sharesOwned"])
        for each in exchange.positions(address)
        if Decimal(each["sharesOwned"])
    }


def true_record(positions: Mapping[Key, TruePosition], marks: Mapping[Key, Decimal]) -> TrueRecord:
    """The record that the positions of a wallet add up to."""
    questions: defaultdict[Question, list[TruePosition]] = defaultdict(list)
    for each in positions.values():
        questions[each.market.root.kind == "categorical", each.market.root.id].append(each)
    outcomes = [
        (profit, sum((each.paid for each in held), ZERO))
        for held in questions.values()
        if (profit := _profit_if_decided(held)) is not None
    ]
    unrealized = [each.unrealized(marks.get(key)) or ZERO for key, each in positions.items()]
    won = sum(profit > 0 for profit, _ in outcomes)
    shown = len(outcomes) >= 20
    paid = sum((cost for _, cost in outcomes), ZERO)
    return TrueRecord(
        net_profit=sum((each.realized + each.settled for each in positions.values()), ZERO),
        exposure=sum((each.exposure for each in positions.values() if each.state == "open"), ZERO),
        unrealized=sum(unrealized, ZERO),
        decided=len(outcomes),
        won=won,
        interval=wilson(won, len(outcomes)) if shown else None,
        roi=float(sum((profit for profit, _ in outcomes), ZERO) / paid) if shown else None,
        luck=_luck(positions.values()) if shown else None,
    )


def _profit_if_decided(held: Sequence[TruePosition]) -> Decimal | None:
    """The net profit in a question that counts as won or lost; None for all others."""
    states = {each.state for each in held}
    if "open" in states or ("void" in states and all(each.is_of_a_void_market for each in held)):
        return None
    profit = sum((each.realized + each.settled for each in held), ZERO)
    return profit if abs(profit) >= DUST else None


def _luck(positions: Iterable[TruePosition]) -> float | None:
    """By how many standard deviations the shares held to the decision did better than at fair prices."""
    edge = variance = 0.0
    for each in positions:
        if each.state in ("won", "lost"):
            shares, cost = float(each.net_shares), float(each.cost_per_share or 0)
            edge += shares * ((each.state == "won") - cost)
            variance += shares**2 * cost * (1 - cost)
    return edge / sqrt(variance) if variance > 0 else None


def wilson(won: int, decided: int) -> tuple[float, float]:
    """The 95 % interval: the true shares at which `won` is just 1.96 standard deviations away, found by bisection."""
    seen, z = won / decided, 1.959963984540054

    def is_too_far(share: float) -> bool:
        return abs(seen - share) > z * sqrt(share * (1 - share) / decided)

    return _border(0.0, seen, is_too_far), _border(1.0, seen, is_too_far)


def _border(outside: float, inside: float, is_outside: Callable[[float], bool]) -> float:
    for _ in range(200):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if is_outside(middle) else (outside, middle)
    return outside


def true_farming_share(trades: Iterable[SimulatedTrade], now: float) -> float | None:
    """The larger of both shares of the last 30 days, weighted by what was traded in each market.

    Of round trips only sales are looked at, so it is too low for a wallet that merges what it has just bought.
    """
    recent = [each for each in trades if each.is_filled and each.created_at >= now - 30 * DAY]
    volume, offset, round_trips = ZERO, ZERO, ZERO
    markets: defaultdict[int, list[SimulatedTrade]] = defaultdict(list)
    for each in sorted(recent, key=lambda each: each.created_at):
        markets[each.market_id].append(each)
    for market in markets.values():
        traded = sum((Decimal(each.amount) for each in market if each.side in ("Buy", "Sell")), ZERO)
        sides = [sum((Decimal(each.amount) for each in _buys(market, side)), ZERO) for side in (1, 2)]
        volume += traded
        if sum(sides):
            offset += traded * 2 * min(sides) / sum(sides)
            round_trips += traded * sum(_returned(market, side) for side in (1, 2)) / sum(sides)
    return float(max(offset, round_trips) / volume) if volume else None


def _buys(trades: Iterable[SimulatedTrade], side: int) -> list[SimulatedTrade]:
    return [each for each in trades if each.side == "Buy" and each.outcome_side == side]


def _returned(trades: Sequence[SimulatedTrade], side: int) -> Decimal:
    """The amount bought that was sold again within 10 minutes at a price within 0.02, share by share."""
    left = [Decimal(buy.shares) for buy in _buys(trades, side)]
    returned = ZERO
    for sale in (each for each in trades if each.side == "Sell" and each.outcome_side == side):
        to_match = Decimal(sale.shares)
        for place, buy in enumerate(_buys(trades, side)):
            is_near = abs(Decimal(sale.price) - Decimal(buy.price)) <= Decimal("0.02")
            if is_near and 0 <= sale.created_at - buy.created_at <= 600:
                matched = min(to_match, left[place])
                to_match -= matched
                left[place] -= matched
                returned += Decimal(buy.amount) * matched / Decimal(buy.shares)
    return returned
