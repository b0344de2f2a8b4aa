"""Wallets that trade in ways of their own: some bet and hold, some farm points."""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from opinionscope.simulator.simulated_market import SimulatedMarket
from opinionscope.simulator.simulated_trade import SimulatedTrade
from opinionscope.simulator.trader import MarketDraw, Order, Trader, in_thousandths
from opinionscope.simulator.transfer import Transfer

_ONE = Decimal(1)


class Bettor(Trader):
    """Buys near the fair price, and holds most of it to the end, won or lost; sells one side of what it splits.

    Now and then it receives shares from elsewhere, half of which it sells at once, or gives some away.
    """

    sides = ("Buy",) * 15 + ("Sell",) * 3 + ("Split", "Merge")
    burst_sizes = (1, 1, 1, 2)
    skill: ClassVar[float] = 0.5
    """How often it bets on what will win, in markets that are decided by now."""
    transfer_share: ClassVar[float] = 0.05
    """Before how many of its orders it receives or gives away shares."""

    def _decide(self, moment: float, size: int, draw_market: MarketDraw) -> Order:
        if self.random.random() < self.transfer_share and (sale := self._transfer(moment, size, draw_market)):
            return sale
        order = super()._decide(moment, size, draw_market)
        if order.side == "Split":
            self.sellable.append((order.market.id, 2))
        return order

    def _choose_outcome(self, market: SimulatedMarket) -> int:
        if market.winning_side is None:
            return super()._choose_outcome(market)
        return market.winning_side if self.random.random() < self.skill else 3 - market.winning_side

    def _draw_price(self, order: Order) -> Decimal:
        price = order.market.fair_price(order.outcome_side) + Decimal(self.random.randrange(-40, 41)) / 1000
        return min(max(price, Decimal("0.02")), Decimal("0.97"))

    def _transfer(self, moment: float, size: int, draw_market: MarketDraw) -> Order | None:
        """Shares come or go; the order that sells those that came, if they are not kept."""
        given = self._draw_sellable(moment)
        if given is not None and self.random.random() < 0.5:
            shares = in_thousandths(self._part_of(self.ledger[given].shares) / 2)
            self.receive(Transfer(*given, -shares, int(moment)))
            return None
        market = draw_market(self.random, moment)
        outcome = self._choose_outcome(market)
        shares = in_thousandths(Decimal(self.random.randrange(50_000, 2_000_000)) / 1000)
        self.know(market)
        self.receive(Transfer(market.id, outcome, shares, int(moment)))
        return Order(moment, "Sell", market, outcome, shares / size) if self.random.random() < 0.5 else None


class Sharp(Bettor):
    """Mostly right."""

    skill = 0.7


class Punter(Bettor):
    """Mostly wrong."""

    skill = 0.4


class _Farmer(Trader):
    """Makes volume for points: each trade has another one that takes it back."""

    burst_sizes = (2, 2, 4, 6)

    def _trade(self, moment: float, size: int, draw_market: MarketDraw) -> list[SimulatedTrade]:
        market = draw_market(self.random, moment)
        self.know(market)
        fills = list[SimulatedTrade]()
        while len(fills) < size:
            shares = in_thousandths(Decimal(self.random.randrange(400_000, 4_000_000)) / 1000)
            price = Decimal(self.random.randrange(350, 650)) / 1000
            fills += self._pair(Order(moment, "Buy", market, self.random.choice((1, 2)), shares), price)
        for fill in fills[:size]:
            self.ledger.apply(fill)
        return fills[:size]

    def _pair(self, order: Order, price: Decimal) -> Iterator[SimulatedTrade]:
        raise NotImplementedError


class Washer(_Farmer):
    """Buys both outcomes for the same amount, and merges nothing."""

    def _pair(self, order: Order, price: Decimal) -> Iterator[SimulatedTrade]:
        yield self._filled(order, order.shares, price)
        shares = in_thousandths(order.shares * price / (_ONE - price))
        other = Order(order.moment, "Buy", order.market, 3 - order.outcome_side, shares)
        yield self._filled(other, shares, _ONE - price)


class RoundTripper(_Farmer):
    """Sells within minutes what it has bought, at nearly the same price."""

    def _pair(self, order: Order, price: Decimal) -> Iterator[SimulatedTrade]:
        ago = self.random.randrange(30, 240)
        began = order.moment - ago if order.market.traded_at(order.moment - ago) else order.moment
        yield self._filled(Order(began, "Buy", order.market, order.outcome_side, order.shares), order.shares, price)
        sale = Order(order.moment, "Sell", order.market, order.outcome_side, order.shares)
        yield self._filled(sale, order.shares, price + Decimal(self.random.randrange(-5, 6)) / 1000)
