"""How one simulated wallet trades: in bursts, at times drawn from its own random source, and only with what it has."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import ClassVar, TypeVar

from opinionscope.simulator.ledger import HoldingKey, Ledger
from opinionscope.simulator.simulated_market import SimulatedMarket
from opinionscope.simulator.simulated_trade import ZERO, SimulatedTrade
from opinionscope.simulator.transfer import Transfer

HISTORY_SECONDS = 120 * 86_400
_UNFILLED = (3, 5, 6)
_SMALLEST = Decimal("0.001")

MarketDraw = Callable[[Random, float], SimulatedMarket]
"""Draws a market that trades at a moment, in unix seconds."""

Candidate = TypeVar("Candidate")


def in_thousandths(shares: Decimal) -> Decimal:
    """The shares, without the smallest parts."""
    return shares.quantize(_SMALLEST, ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Order:
    """What to do, and with how many shares at most in each of its fills."""

    moment: float
    side: str
    market: SimulatedMarket
    outcome_side: int
    shares: Decimal


class Trader:
    """One wallet's habits. The same seed and address trade the same things at the same times.

    It sells and merges only what it holds, while the market trades. What it holds when a market closes, it keeps.
    `transfers` are those of its shares that came or went without a trade.
    """

    sides: ClassVar[tuple[str, ...]] = ("Buy",) * 11 + ("Sell",) * 7 + ("Split", "Merge")
    burst_sizes: ClassVar[tuple[int, ...]] = (1, 1, 1, 2, 2, 3, 4, 6)

    def __init__(self, seed: int, address: str, trades_per_minute: float, unfilled_share: float = 0.0) -> None:
        self.random = Random(f"{seed}:{address}")
        self._trades_per_minute = trades_per_minute
        self._unfilled_share = unfilled_share
        self.ledger = Ledger()
        self.sellable: list[HoldingKey] = []
        self.transfers: list[Transfer] = []
        self._markets: dict[int, SimulatedMarket] = {}
        self._split: list[int] = []

    def history(self, count: int, start: float, draw_market: MarketDraw) -> list[SimulatedTrade]:
        """`count` trades of the 120 days before `start`, oldest first, denser towards `start`."""
        orders: list[tuple[float, int]] = []
        left = count
        while left > 0:
            age = 1 + (HISTORY_SECONDS - 1) * self.random.random() ** 2
            size = min(left, self.random.choice(self.burst_sizes))
            orders.append((start - age, size))
            left -= size
        fills = [fill for moment, size in sorted(orders) for fill in self._trade(moment, size, draw_market)]
        return sorted(fills, key=lambda fill: fill.created_at)

    def next_burst_after(self, moment: float) -> float:
        """When the wallet trades next, in unix seconds; never, if it is silent."""
        if self._trades_per_minute <= 0:
            return float("inf")
        mean_burst = sum(self.burst_sizes) / len(self.burst_sizes)
        return moment + self.random.expovariate(self._trades_per_minute / mean_burst / 60)

    def burst(self, moment: float, draw_market: MarketDraw) -> list[SimulatedTrade]:
        """The fills of one order: one second, one market; some share a transaction, some are equal."""
        return self._trade(moment, self.random.choice(self.burst_sizes), draw_market)

    def delayed(self, trade: SimulatedTrade) -> SimulatedTrade:
        """The trade as the API will show it: one in fifteen up to four minutes late."""
        if self.random.random() > 1 / 15:
            return trade
        return replace(trade, visible_at=trade.created_at + self.random.uniform(5, 240))

    def receive(self, transfer: Transfer) -> None:
        """Have shares, or have fewer, without a trade."""
        self.transfers.append(transfer)
        self.ledger.receive(transfer)
        if transfer.shares > 0:
            self.sellable.append((transfer.market_id, transfer.outcome_side))

    def know(self, market: SimulatedMarket) -> None:
        """Take note of a market that it is about to trade in."""
        self._markets[market.id] = market

    def _trade(self, moment: float, size: int, draw_market: MarketDraw) -> list[SimulatedTrade]:
        order = self._decide(moment, size, draw_market)
        fills = [self._fill(order)]
        self.ledger.apply(fills[0])
        for _ in range(size - 1):
            fills.append(self._next_fill(fills[-1], order))
            self.ledger.apply(fills[-1])
        return fills

    def _decide(self, moment: float, size: int, draw_market: MarketDraw) -> Order:
        side = self.random.choice(self.sides)
        if side == "Sell" and (key := self._draw_sellable(moment)):
            return Order(moment, side, self._markets[key[0]], key[1], self._part_of(self.ledger[key].shares) / size)
        if side == "Merge" and (pair := self._draw(self._split, lambda market_id: self._can_merge(market_id, moment))):
            shares = min(self.ledger[pair, outcome].shares for outcome in (1, 2))
            return Order(moment, side, self._markets[pair], 1, self._part_of(shares) / size)
        market = draw_market(self.random, moment)
        self.know(market)
        shares = Decimal(int(10 ** self.random.uniform(4, 7.5))) / 1000
        if side in ("Split", "Merge"):
            self._split.append(market.id)
            return Order(moment, "Split", market, 1, shares)
        outcome = self._choose_outcome(market)
        self.sellable.append((market.id, outcome))
        return Order(moment, "Buy", market, outcome, shares)

    def _choose_outcome(self, _market: SimulatedMarket) -> int:
        return self.random.choice((1, 2))

    def _draw_price(self, _order: Order) -> Decimal:
        return Decimal(self.random.randrange(5, 996)) / 1000

    def _draw_sellable(self, moment: float) -> HoldingKey | None:
        return self._draw(self.sellable, lambda key: self._can_sell(key, moment))

    def _draw(self, candidates: list[Candidate], usable: Callable[[Candidate], bool]) -> Candidate | None:
        """A usable candidate; those that turn out not to be are dropped."""
        while candidates:
            place = self.random.randrange(len(candidates))
            if usable(candidates[place]):
                return candidates[place]
            candidates[place] = candidates[-1]
            candidates.pop()
        return None

    def _can_sell(self, key: HoldingKey, moment: float) -> bool:
        return self.ledger[key].shares >= 1 and self._markets[key[0]].traded_at(moment)

    def _can_merge(self, market_id: int, moment: float) -> bool:
        return all(self._can_sell((market_id, outcome), moment) for outcome in (1, 2))

    def _part_of(self, shares: Decimal) -> Decimal:
        return shares * (1000 if self.random.random() < 0.4 else self.random.randrange(200, 1000)) / 1000

    def _next_fill(self, previous: SimulatedTrade, order: Order) -> SimulatedTrade:
        chance = self.random.random()
        if chance < 0.2:
            return previous
        fill = self._fill(order)
        return replace(fill, tx_hash=previous.tx_hash) if chance < 0.6 else fill

    def _fill(self, order: Order) -> SimulatedTrade:
        rng, side = self.random, order.side
        shares = max(_SMALLEST, in_thousandths(order.shares * rng.randrange(500, 1001) / 1000))
        return self._filled(order, shares, self._draw_price(order) if side in ("Buy", "Sell") else Decimal(1))

    def _filled(self, order: Order, shares: Decimal, price: Decimal) -> SimulatedTrade:
        rng, market, side = self.random, order.market, order.side
        value = price * shares
        fee = (value * price / 100).quantize(_SMALLEST / 1000) if side in ("Buy", "Sell") else Decimal(0)
        # A buy's fee is inside its amount, as in the recorded fills of the live API.
        amount = value + fee if side == "Buy" else value - fee
        status = rng.choice(_UNFILLED) if rng.random() < self._unfilled_share else 2
        # Splits and merges sometimes have no shares, as users of the live API report.
        without_shares = side in ("Split", "Merge") and rng.random() < 0.3
        return SimulatedTrade(
            tx_hash=f"0x{rng.getrandbits(256):064x}",
            market_id=market.id,
            side=side,
            outcome_side=order.outcome_side,
            price=f"{price:.18f}",
            shares="0" if without_shares else f"{shares:.13f}",
            amount=f"{amount:.6f}",
            fee=f"{fee:.18f}" if fee else ZERO,
            profit=f"{amount - self._cost(order, shares):.18f}" if side in ("Sell", "Merge") and status == 2 else ZERO,
            created_at=int(order.moment),
            visible_at=int(order.moment),
            market_title=market.title,
            root_market_id=market.root.id,
            root_market_title=market.root.title,
            outcome=str(market.fields["yesLabel" if order.outcome_side == 1 else "noLabel"]),
            status=status,
        )

    def _cost(self, order: Order, shares: Decimal) -> Decimal:
        """What the shares that leave the wallet have cost."""
        outcomes = (1, 2) if order.side == "Merge" else (order.outcome_side,)
        return sum((self.ledger[order.market.id, outcome].cost_of(shares) for outcome in outcomes), Decimal(0))
