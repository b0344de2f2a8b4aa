"""Whether an order matches a rule, or why not: a pure function of the order, its whale and its market."""

from collections.abc import Callable
from dataclasses import dataclass

from opinionscope.signals.rules import Filters
from opinionscope.store.signal_evidence import MarketFacts, WhaleFacts
from opinionscope.text import casefold
from opinionscope.track_record.orders import Change, Order, Sides


@dataclass(frozen=True)
class Move:
    """An order with what a rule judges it by: the sums of its market before and after it, the whale, the market.

    `change` is None where it is not known: the order names no outcome, or the wallet's positions are partial.
    `market` is None for a market that has not been synced; `title` is what the trades call it.
    """

    order: Order
    change: Change | None
    before: Sides
    after: Sides
    whale: WhaleFacts
    market: MarketFacts | None
    title: str | None
    root_market_id: str | None

    @property
    def question(self) -> str:
        """The title of the market, as far as it is known."""
        return (self.market.title if self.market else self.title) or f"market {self.order.market_external_id}"


def mismatch(filters: Filters, move: Move) -> str | None:
    """Why the order does not match the filters; None if it does."""
    for check in _CHECKS:
        reason = check(filters, move)
        if reason is not None:
            return reason
    return None


def market_mismatch(
    filters: Filters, number: str, market: MarketFacts | None, title: str | None, root: str | None
) -> str | None:
    """Why a market does not match the filters; None if it does."""
    topic = (market.topic_id if market else None) or (root if root != number else None)
    if filters.markets and number not in filters.markets and f"topic:{topic}" not in filters.markets:
        return "another market"
    if filters.search is not None:
        shown = casefold((market.title if market else title) or "") or ""
        if (casefold(filters.search) or "") not in shown:
            return f"the title does not contain {filters.search!r}"
    if filters.labels:
        wanted = {label.casefold() for label in filters.labels}
        if not wanted & {label.casefold() for label in (market.labels if market else ())}:
            return "another label"
    return None


def _whale(filters: Filters, move: Move) -> str | None:
    return "another whale" if filters.whales and move.whale.address not in filters.whales else None


def _tag(filters: Filters, move: Move) -> str | None:
    return "another tag" if filters.tags and not set(filters.tags) & set(move.whale.tags) else None


def _action(filters: Filters, move: Move) -> str | None:
    action = move.order.action
    return f"a {action.lower()}" if filters.actions and action not in filters.actions else None


def _change(filters: Filters, move: Move) -> str | None:
    if not filters.changes or move.change in filters.changes:
        return None
    if move.whale.is_partial:
        return "the position is not known yet"
    return "of an unknown outcome" if move.change is None else f"the position is {move.change}"


def _amount(filters: Filters, move: Move) -> str | None:
    least = filters.min_amount
    # Fills of 0.1 and 0.2 are an order of 0.3, whatever floats make of it.
    if least is None or round(move.order.amount, 8) >= least:
        return None
    return f"amount {move.order.amount:,.2f} < {least:,g}"


def _price(filters: Filters, move: Move) -> str | None:
    least, most = filters.min_price, filters.max_price
    if least is None and most is None:
        return None
    price = move.order.price
    if price is None:
        return "without a price"
    price = round(price, 8)
    if least is not None and price < least:
        return f"price {price:.3f} < {least:g}"
    return f"price {price:.3f} > {most:g}" if most is not None and price > most else None


def _market(filters: Filters, move: Move) -> str | None:
    return market_mismatch(filters, move.order.market_external_id, move.market, move.title, move.root_market_id)


_CHECKS: tuple[Callable[[Filters, Move], str | None], ...] = (_amount, _whale, _tag, _action, _price, _change, _market)
