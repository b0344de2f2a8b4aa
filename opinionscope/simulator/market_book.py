"""The exchange's markets: which are open, which closed, in which order they are listed."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

from opinionscope.simulator.market_factory import DAY, MarketFactory
from opinionscope.simulator.market_subjects import Subject
from opinionscope.simulator.simulated_market import (
    ACTIVATED,
    DELETED,
    FAILED,
    RESOLVED,
    RESOLVING,
    VIEW_STATUS,
    VOLUMES,
    SimulatedMarket,
    View,
)

_ENDINGS = (RESOLVED,) * 17 + (FAILED,) * 2 + (DELETED,)
_PAST_SHARE = 0.8
"""How much of the trading was in markets of the past, on an exchange that has them."""
_WEEKS = 16
_OLD_ENDINGS = (RESOLVED, RESOLVED, FAILED, RESOLVED, RESOLVED, DELETED)


def _volume(market: SimulatedMarket, name: str) -> Decimal:
    return sum((Decimal(each.fields.get(name, 0)) for each in market.tradable), Decimal(0))


_SORT_KEYS: dict[int, Callable[[SimulatedMarket], Any]] = {
    1: lambda market: (-market.fields["createdAt"], -market.id),
    2: lambda market: (market.fields["cutoffAt"], market.id),
    3: lambda market: (-_volume(market, "volume"), market.id),
    4: lambda market: (_volume(market, "volume"), market.id),
    5: lambda market: (-_volume(market, "volume24h"), market.id),
}


class MarketBook:
    """All markets that ever were. Not thread-safe: `Exchange` holds the lock."""

    def __init__(self, seed: int, count: int, now: float, churn_per_minute: float, past: int = 0) -> None:
        self._rng = Random(f"{seed}:markets")
        self._factory = MarketFactory(self._rng)
        self._churn = churn_per_minute
        self._churn_due = 0.0
        self._endings: list[tuple[float, SimulatedMarket, int]] = []  # when, which, final status
        self._orders: dict[object, list[SimulatedMarket]] = {}
        self._topics: dict[int, SimulatedMarket] = {}
        self.tradables: dict[int, SimulatedMarket] = {}
        """Binary markets and children, by id."""
        self._roots: list[SimulatedMarket] = []
        # Binary markets and topics: the closed ones would outnumber them in time.
        self._open: dict[int, SimulatedMarket] = {}
        self._fill(count, now)
        self._past = [self._add_past(number, now) for number in range(past)]

    def _fill(self, count: int, now: float) -> None:
        for index in range(count):
            # The first is old enough for every trade of a wallet's history.
            age = self._rng.uniform(0, 130) if index else 200
            market = self._add(self._factory.draw(now - age * DAY, categorical=index % 3 == 2))
            if len(market.children) > 2 and index % 4 == 2:
                # Only the topic's detail shows it from now on.
                self.close(market.children[0], RESOLVED, int(now - age * self._rng.uniform(0.2, 0.9) * DAY))
        for index in range(max(6, count // 12)):
            old = self._add(self._factory.draw(now - self._rng.uniform(130, 200) * DAY, categorical=index % 3 == 1))
            closed_at = int(now - self._rng.uniform(0.5, 119) * DAY)
            self.close(old, _OLD_ENDINGS[index % len(_OLD_ENDINGS)], closed_at)
        self._retired = [market for market in self.tradables.values() if not market.is_open]

    def _add_past(self, number: int, now: float) -> SimulatedMarket:
        """A market or, every third time, a weekly topic that has closed since; the more recent, the more there are."""
        series, week = divmod(number // 3, _WEEKS)
        is_weekly = number % 3 == 2
        closed = now - ((week * 7 + 1) if is_weekly else 1 + 100 * self._rng.random() ** 2) * DAY
        created = closed - (7 if is_weekly else self._rng.uniform(7, 40)) * DAY
        market = (
            self._factory.draw_weekly(series, created) if is_weekly else self._factory.draw(created, categorical=False)
        )
        self._add(market)
        self.close(market, self._rng.choice(_ENDINGS), int(closed))
        return market

    def _add(self, market: SimulatedMarket) -> SimulatedMarket:
        if market.kind == "categorical":
            self._topics[market.id] = market
        self.tradables |= {each.id: each for each in market.tradable}
        self._roots.append(market)
        self._status_changed(market)
        return market

    def _status_changed(self, market: SimulatedMarket) -> None:
        self._orders.clear()
        self._open.pop(id(market.root), None)
        if market.root.is_open:
            self._open[id(market.root)] = market.root

    def find(self, market_id: int, *, categorical: bool) -> SimulatedMarket | None:
        """The topic or the market of that number; None for an unknown or a deleted one."""
        market = (self._topics if categorical else self.tradables).get(market_id)
        return None if market is None or market.status == DELETED else market

    def listing(self, status: View, market_type: int, sort_by: int) -> list[SimulatedMarket]:
        """Binary markets and topics in the API's order.

        `status` is "activated", "resolved" or "" for all; `market_type` 0 binary, 1 categorical, 2 both.
        """
        key = (status, market_type, sort_by)
        if key not in self._orders:
            kinds = {0: ("binary",), 1: ("categorical",)}.get(market_type, ("binary", "categorical"))
            markets = self._open.values() if status == "activated" else self._roots
            wanted = (VIEW_STATUS[status],) if status else tuple(range(DELETED))
            found = [market for market in markets if market.kind in kinds and market.status in wanted]
            self._orders[key] = sorted(found, key=_SORT_KEYS[sort_by])
        return self._orders[key]

    def tradable(self) -> list[SimulatedMarket]:
        """The binary markets and children that trade, oldest first."""
        if "tradable" not in self._orders:
            trading = [each for market in self._open.values() for each in market.tradable if each.is_open]
            self._orders["tradable"] = sorted(trading, key=lambda market: (market.fields["createdAt"], market.id))
        return self._orders["tradable"]

    def draw_for_trade(self, rng: Random, moment: float) -> SimulatedMarket:
        """A market that traded at the moment; one time in sixteen one that has closed since, if there is one."""
        past = [market for market in self._past if market.tradable[0].traded_at(moment)]
        if past and rng.random() < _PAST_SHARE:
            return rng.choice(rng.choice(past).tradable)
        tradable = self.tradable()
        there = bisect_right(tradable, moment, key=lambda market: float(market.fields["createdAt"]))
        retired = [market for market in self._retired if market.traded_at(moment)]
        if retired and (not there or rng.random() < 1 / 16):
            return rng.choice(retired)
        return tradable[rng.randrange(there)] if there else rng.choice(tradable or self._retired)

    def fields_of_trade(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """What a trade says of its market: any market, unless `overrides` name one."""
        anything = next(iter(self.tradables.values()))
        market = self.tradables.get(overrides.get("market_id", anything.id), anything)
        label = "noLabel" if overrides.get("outcome_side") == 2 else "yesLabel"
        return {
            "market_id": market.id,
            "market_title": market.title,
            "root_market_id": market.root.id,
            "root_market_title": market.root.title,
            "outcome": market.fields[label],
        }

    def find_token(self, token_id: str) -> SimulatedMarket | None:
        """The market that a token belongs to."""
        for market in self.tradables.values():
            if token_id in (market.fields["yesTokenId"], market.fields["noTokenId"]):
                return market
        return None

    def open(self, subject: Subject | None, now: float) -> SimulatedMarket:
        """Open a market on a subject, or on a random one."""
        if subject is None:
            return self._add(self._factory.draw(now, categorical=self._rng.random() < 1 / 3))
        return self._add(self._factory.make(subject, now, int(now + 30 * DAY)))

    def close(self, market: SimulatedMarket, status: int, now: int) -> None:
        """Give a market, or all open children of a topic, a closed status.

        A resolved one gets a `resultTokenId`; of several children one wins. `resolvedAt` stays 0 for one in five, as
        the live API has it.
        """
        closing = [each for each in market.tradable if each.status in (ACTIVATED, RESOLVING)]
        if not closing:
            return
        winner = self._rng.choice(closing)
        for each in closing:
            each.change_status(status)
            each.closed_at = now if each.closed_at is None else each.closed_at
            if status == RESOLVED:
                yes_wins = self._rng.random() < 0.5 if each is market else each is winner
                token = each.fields["yesTokenId" if yes_wins else "noTokenId"]
                each.change(resolvedAt=0 if each.id % 5 == 0 else now, resultTokenId=token)
        self._status_changed(market)

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
            open_children = [child for child in closing.children if child.is_open]
            if len(open_children) > 1 and self._rng.random() < 0.3:
                # A single option is decided; the topic trades on and no market opens in its place.
                self._begin_closing(self._rng.choice(open_children), now)
                return
            self._begin_closing(closing, now)
        self.open(None, now)

    def _begin_closing(self, market: SimulatedMarket, now: float) -> None:
        self.close(market, RESOLVING, int(now))
        self._endings.append((now + self._rng.randint(3, 8) * 60, market, self._rng.choice(_ENDINGS)))

    def _settle(self, now: float) -> None:
        due = [ending for ending in self._endings if ending[0] <= now]
        self._endings = [ending for ending in self._endings if ending[0] > now]
        for _, market, status in due:
            self.close(market, status, int(now))

    def _grow(self, market: SimulatedMarket, amount: Decimal) -> None:
        names = [name for name in VOLUMES if name in market.fields]
        market.change(**{name: f"{Decimal(market.fields[name]) + amount:.18f}" for name in names})
