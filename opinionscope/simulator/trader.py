"""How one simulated wallet trades: in bursts, at times drawn from its own random source."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random

from opinionscope.simulator.simulated_market import SimulatedMarket
from opinionscope.simulator.simulated_trade import ZERO, SimulatedTrade

HISTORY_SECONDS = 120 * 86_400
_SIDES = ("Buy",) * 11 + ("Sell",) * 7 + ("Split", "Merge")
_BURST_SIZES = (1, 1, 1, 2, 2, 3, 4, 6)
_MEAN_BURST = sum(_BURST_SIZES) / len(_BURST_SIZES)

MarketDraw = Callable[[Random], SimulatedMarket]


class Trader:
    """One wallet's habits. The same seed and address trade the same things at the same times."""

    def __init__(self, seed: int, address: str, trades_per_minute: float) -> None:
        self.random = Random(f"{seed}:{address}")
        self._trades_per_minute = trades_per_minute

    def history(self, count: int, start: float, draw_market: MarketDraw) -> list[SimulatedTrade]:
        """`count` trades of the 120 days before `start`, oldest first, denser towards `start`."""
        trades: list[SimulatedTrade] = []
        while len(trades) < count:
            age = 1 + (HISTORY_SECONDS - 1) * self.random.random() ** 2
            trades += self.burst(start - age, draw_market(self.random))
        return sorted(trades[:count], key=lambda trade: trade.created_at)

    def next_burst_after(self, moment: float) -> float:
        """When the wallet trades next, in unix seconds; never, if it is silent."""
        if self._trades_per_minute <= 0:
            return float("inf")
        return moment + self.random.expovariate(self._trades_per_minute / _MEAN_BURST / 60)

    def burst(self, moment: float, market: SimulatedMarket) -> list[SimulatedTrade]:
        """The fills of one order: one second, one market; some share a transaction, some are equal."""
        first = self._fill(int(moment), market, self.random.choice(_SIDES))
        fills = [first]
        for _ in range(self.random.choice(_BURST_SIZES) - 1):
            fills.append(self._next_fill(fills[-1], market))
        return fills

    def delayed(self, trade: SimulatedTrade) -> SimulatedTrade:
        """The trade as the API will show it: one in fifteen up to four minutes late."""
        if self.random.random() > 1 / 15:
            return trade
        return replace(trade, visible_at=trade.created_at + self.random.uniform(5, 240))

    def _next_fill(self, previous: SimulatedTrade, market: SimulatedMarket) -> SimulatedTrade:
        chance = self.random.random()
        if chance < 0.2:
            return previous
        fill = self._fill(previous.created_at, market, previous.side)
        if chance < 0.6:
            return replace(fill, tx_hash=previous.tx_hash)
        return fill

    def _fill(self, created_at: int, market: SimulatedMarket, side: str) -> SimulatedTrade:
        rng = self.random
        outcome_side = rng.choice((1, 2))
        price = Decimal(rng.randrange(5, 996)) / 1000 if side in ("Buy", "Sell") else Decimal(1)
        amount = Decimal(int(10 ** rng.uniform(5.5, 10))) / 1_000_000
        profit = amount * Decimal(rng.randrange(-300, 400)) / 1000 if side == "Sell" else Decimal(0)
        return SimulatedTrade(
            tx_hash=f"0x{rng.getrandbits(256):064x}",
            market_id=market.id,
            side=side,
            outcome_side=outcome_side,
            price=f"{price:.18f}",
            shares=f"{amount / price:.13f}",
            amount=f"{amount:.6f}",
            fee=f"{amount * price / 100:.18f}" if side in ("Buy", "Sell") else ZERO,
            profit=f"{profit:.18f}",
            created_at=created_at,
            visible_at=created_at,
            market_title=market.title,
            root_market_id=market.root.id,
            root_market_title=market.root.title,
            outcome=str(market.fields["yesLabel" if outcome_side == 1 else "noLabel"]),
        )
