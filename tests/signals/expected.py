"""What should be told, worked out a second time and as plainly as possible, from all trades and the runs that saw them.

It shares no code with the product: orders are found by walking through all trades, positions by adding them up, and
what has been told is remembered by the fills that were in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Deal:
    """A fill. `second` is unix time; `serial` is the order in which fills of one second were stored."""

    serial: int
    wallet: str
    market: str
    side: int
    action: str
    second: int
    shares: float
    amount: float
    fee: float = 0.0


@dataclass(frozen=True)
class Expectation:
    """An order as a rule sees it."""

    deals: tuple[Deal, ...]
    change: str

    @property
    def amount(self) -> float:
        return sum(deal.amount for deal in self.deals)

    @property
    def price(self) -> float:
        shares = sum(deal.shares or deal.amount for deal in self.deals)
        fees = sum(deal.fee for deal in self.deals) if self.deals[0].action == "BUY" else 0.0
        return (self.amount - fees) / shares

    @property
    def summary(self) -> tuple[str, str, int, str, int, float, str]:
        first = self.deals[0]
        return (
            first.wallet,
            first.market,
            first.side,
            first.action,
            len(self.deals),
            round(self.amount, 6),
            self.change,
        )


@dataclass
class RuleBook:
    """Rules as predicates, with their cooldowns in seconds; what each has told, as (fills, amount).

    What was traded before `since` is no news.
    """

    rules: dict[str, tuple[Callable[[Expectation], bool], float]]
    since: float = 0.0
    told: dict[tuple[str, str], list[tuple[set[int], float]]] = field(default_factory=dict)
    suppressed: dict[tuple[str, str], list[set[int]]] = field(default_factory=dict)
    last: dict[tuple[str, str, str], float] = field(default_factory=dict)
    deals: dict[str, list[Deal]] = field(default_factory=dict)

    def run(self, now: float, new: Sequence[Deal]) -> list[tuple[str, Expectation]]:
        """A run that saw these deals at `now`; what it should tell, as (rule, order)."""
        for deal in new:
            self.deals.setdefault(deal.wallet, []).append(deal)
        serials = {deal.serial for deal in new}
        messages = []
        for wallet in dict.fromkeys(deal.wallet for deal in new):
            for order in self._orders(wallet, {deal.market for deal in new if deal.wallet == wallet}):
                if any(deal.serial in serials and deal.second >= self.since for deal in order.deals):
                    messages += [(rule, order) for rule in self.rules if self._tells(rule, order, now)]
        return messages

    def _tells(self, rule: str, order: Expectation, now: float) -> bool:
        matches, cooldown = self.rules[rule]
        if not matches(order):
            return False
        serials, wallet = {deal.serial for deal in order.deals}, order.deals[0].wallet
        if any(serials & fills for fills in self.suppressed.get((rule, wallet), [])):
            return False
        told = [(fills, amount) for fills, amount in self.told.get((rule, wallet), []) if fills & serials]
        where = (rule, wallet, order.deals[0].market)
        if told:
            known = set[int]().union(*(fills for fills, _ in told))
            if order.amount <= 2 * max(told[-1][1], sum(deal.amount for deal in order.deals if deal.serial in known)):
                return False
        elif now - self.last.get(where, -1e12) < cooldown:
            self.suppressed.setdefault((rule, wallet), []).append(serials)
            return False
        self.told.setdefault((rule, wallet), []).append((serials, order.amount))
        self.last[where] = now
        return True

    def _orders(self, wallet: str, markets: set[str]) -> list[Expectation]:
        orders = list[Expectation]()
        for market in markets:
            deals = sorted(
                (deal for deal in self.deals[wallet] if deal.market == market),
                key=lambda deal: (deal.second, deal.serial),
            )
            open_orders: dict[tuple[int, str], list[Deal]] = {}
            ends: dict[tuple[int, str], int] = {}
            grouped = list[list[Deal]]()
            for deal in deals:
                kind = (deal.side, deal.action)
                order = open_orders.get(kind)
                has_paused = order is None or deal.second - order[-1].second > 60
                if order is None or has_paused or deal.second > ends[kind]:
                    # Ten minutes from the first fill; without a pause before it, the clock's ten minutes.
                    ends[kind] = deal.second + 600 if has_paused else deal.second - deal.second % 600 + 599
                    order = open_orders[kind] = []
                    grouped.append(order)
                order.append(deal)
            orders += [Expectation(tuple(order), _change(order, deals)) for order in grouped]
        return sorted(orders, key=lambda order: (order.deals[0].second, order.deals[0].serial))


def _change(order: Sequence[Deal], deals: Sequence[Deal]) -> str:
    end = (order[-1].second, order[-1].serial)
    until = [deal for deal in deals if (deal.second, deal.serial) <= end]
    before, after = _held([deal for deal in until if deal not in order]), _held(until)
    first = order[0]
    if first.action in ("SPLIT", "MERGE"):
        had, has = sum(before.values()), sum(after.values())
    else:
        had, has = before[first.side], after[first.side]
        other = 3 - first.side
        if first.action == "BUY" and before[other] and had <= before[other] and has > after[other]:
            return "FLIP"
    if first.action in ("BUY", "SPLIT"):
        return "ADD" if had else "NEW"
    return "REDUCE" if has else "EXIT"


def _held(deals: Sequence[Deal]) -> dict[int, float]:
    """Shares held by side; what cost less than a cent is nothing."""
    held = {}
    for side in (1, 2):
        got = cost = gone = 0.0
        for deal in deals:
            shares = deal.shares or (deal.amount if deal.action in ("SPLIT", "MERGE") else 0.0)
            if deal.action == "SPLIT":
                got, cost = got + shares, cost + shares / 2
            elif deal.action == "MERGE":
                gone += shares
            elif deal.side == side and deal.action == "BUY":
                got, cost = got + shares, cost + deal.amount
            elif deal.side == side and deal.action == "SELL":
                gone += shares
        left = got - gone
        held[side] = left if got > 0 and left > 0 and left * cost / got >= 0.01 else 0.0
    return held


def told_summary(document: dict[str, Any]) -> tuple[str, str, int, str, int, float, str]:
    """The same of a document that was told."""
    order = document["order"]
    return (
        document["whale"]["address"],
        document["market"]["id"],
        order["outcome_side"],
        order["action"],
        order["fills"],
        round(order["amount"], 6),
        order["change"],
    )
