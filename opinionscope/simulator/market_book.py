"""The exchange's markets: which are open, which closed, in which order they are listed."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from opinionscope.simulator.market_factory import DAY, MarketFactory
from opinionscope.simulator.market_subjects import Subject
from opinionscope.simulator.simulated_market import ACTIVATED, DELETED, FAILED, RESOLVED, RESOLVING, SimulatedMarket

_SORT_KEYS: dict[int, Callable[[SimulatedMarket], Any]] = {
    1: lambda market: (-market.fields["createdAt"], -market.id),
    2: lambda market: (market.fields["cutoffAt"], market.id),
    3: lambda market: (-Decimal(market.fields["volume"]), market.id),
    4: lambda market: (Decimal(market.fields["volume"]), market.id),
    5: lambda market: (-Decimal(market.fields.get("volume24h", 0)), market.id),
}
_ENDINGS = (RESOLVED,) * 17 + (FAILED,) * 2 + (DELETED,)


class MarketBook:
    """All markets that ever were. Not thread-safe: `Exchange` holds the lock."""

    def __init__(self, seed: int, count: int, now: float, churn_per_minute: float) -> None:
        self._rng = Random(f"{seed}:markets")
        self._factory = MarketFactory(self._rng)
        self._churn = churn_per_minute
        self._churn_due = 0.0
        self._endings: list[tuple[float, int, int]] = []  # when, market id, final status
        self._orders: dict[object, list[SimulatedMarket]] = {}
        self.by_id: dict[int, SimulatedMarket] = {}
        self._open: dict[
            int, SimulatedMarket
        ] = {}  # binary and categorical: the closed ones would outnumber them in time
        self._fill(count, now)

    def _fill(self, count: int, now: float) -> None:
        for index in range(count):
            self._add(self._factory.draw(now - self._rng.uniform(0, 90) * DAY, categorical=index % 3 == 2))
        for _ in range(max(3, count // 20)):
            old = self._add(self._factory.draw(now - self._rng.uniform(130, 200) * DAY, categorical=False))
            self.close(old.id, RESOLVED, int(now - self._rng.uniform(121, 129) * DAY))
        self._retired = [market for market in self.by_id.values() if market.status == RESOLVED]

    def _add(self, market: SimulatedMarket) -> SimulatedMarket:
        self.by_id |= {each.id: each for each in (market, *market.children)}
        self._status_changed(market)
        return market

    def _status_changed(self, market: SimulatedMarket) -> None:
        self._orders.clear()
        self._open.pop(market.root.id, None)
        if market.root.is_open:
            self._open[market.root.id] = market.root

    def listing(self, status: str, market_type: int, sort_by: int) -> list[SimulatedMarket]:
        """Binary and categorical markets in the API's order.

        `status` is "activated", "resolved" or "" for all; `market_type` 0 binary, 1 categorical, 2 both.
        """
        key = (status, market_type, sort_by)
        if key not in self._orders:
            kinds = {0: ("binary",), 1: ("categorical",)}.get(market_type, ("binary", "categorical"))
            markets = (self._open if status == "activated" else self.by_id).values()
            kept = [market for market in markets if status != "resolved" or market.status == RESOLVED]
            found = [market for market in kept if market.kind in kinds]
            self._orders[key] = sorted(found, key=_SORT_KEYS[sort_by])
        return self._orders[key]

    def tradable(self) -> list[SimulatedMarket]:
        """The binary markets and children that trade."""
        if "tradable" not in self._orders:
            tradable = [each for market in self._open.values() for each in market.children or [market]]
            self._orders["tradable"] = [each for each in tradable if each.is_open]
        return self._orders["tradable"]

    def draw_for_trade(self, rng: Random) -> SimulatedMarket:
        """A market to trade on; one time in sixteen one that the list has never shown."""
        tradable = self.tradable()
        return rng.choice(self._retired if not tradable or rng.random() < 1 / 16 else tradable)

    def find_token(self, token_id: str) -> SimulatedMarket | None:
        """The market that a token belongs to."""
        for market in self.by_id.values():
            if token_id in (market.fields["yesTokenId"], market.fields["noTokenId"]):
                return market
        return None

    def open(self, subject: Subject | None, now: float) -> SimulatedMarket:
        """Open a market on a subject, or on a random one."""
        if subject is None:
            return self._add(self._factory.draw(now, categorical=self._rng.random() < 1 / 3))
        return self._add(self._factory.make(subject, now, int(now + 30 * DAY)))

    def close(self, market_id: int, status: int, now: int) -> None:
        """Give a market, and a categorical one's open children, a closed status.

        A resolved market also gets `resolvedAt` and `resultTokenId`; of several children one wins.
        """
        market = self.by_id[market_id]
        closing = [child for child in market.children if child.status in (ACTIVATED, RESOLVING)]
        winner = self._rng.choice(closing) if closing else market
        for each in (*closing, market):
            each.change_status(status)
            if status == RESOLVED:
                result = "yesTokenId" if each is winner else "noTokenId"
                each.change(resolvedAt=now, resultTokenId=each.fields[result])
        self._status_changed(market)

    def rename(self, market_id: int, title: str) -> None:
        self.by_id[market_id].change(marketTitle=title)

    def pass_minute(self, now: float) -> None:
        """What a minute brings: markets close and open, closed ones are settled, volumes grow."""
        self._settle(now)
        if self._churn <= 0:
            return
        self._churn_due += self._churn
        while self._churn_due >= 1:
            self._churn_due -= 1
            self._replace_one(now)
        for market in self._rng.sample(self.tradable(), min(5, len(self.tradable()))):
            self._grow(market, Decimal(self._rng.randrange(1, 50_000)) / 100)
        self._orders.clear()

    def _replace_one(self, now: float) -> None:
        if self._open:
            closing = self._rng.choice(list(self._open.values()))
            self.close(closing.id, RESOLVING, int(now))
            self._endings.append((now + self._rng.randint(3, 8) * 60, closing.id, self._rng.choice(_ENDINGS)))
        self.open(None, now)

    def _settle(self, now: float) -> None:
        due = [ending for ending in self._endings if ending[0] <= now]
        self._endings = [ending for ending in self._endings if ending[0] > now]
        for _, market_id, status in due:
            self.close(market_id, status, int(now))

    def _grow(self, market: SimulatedMarket, amount: Decimal) -> None:
        for each in {market, market.root}:
            names = [name for name in ("volume", "volume24h", "volume7d") if name in each.fields]
            each.change(**{name: f"{Decimal(each.fields[name]) + amount:.18f}" for name in names})
