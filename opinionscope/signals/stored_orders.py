"""Stored trades as the orders that they are fills of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opinionscope.records import Record, Seconds
from opinionscope.store.whale_activity import FillAmount, StoredTrade
from opinionscope.times import from_text, from_unix
from opinionscope.track_record.orders import GAP, Fill, Order, latest_orders
from opinionscope.track_record.outcome_sides import named_side

# The same amounts, added up in another order, may be as much less.
_ROUNDED = 1 - 1e-9


@dataclass(frozen=True)
class WhaleOrder(Record):
    """The fills of one order. Amounts are in the quote token, `price` is the average one without fees.

    `profit` is the sum of what the exchange gives; None where it gives none.
    """

    whale_address: str
    platform: str
    market_external_id: str
    root_market_external_id: str | None
    market_title: str | None
    action: str
    outcome: str | None
    outcome_side: int | None
    fills: int
    shares: float
    price: float | None
    amount: float
    fee: float
    profit: float | None
    first_fill_at: Seconds
    last_fill_at: Seconds


def orders_of(trades: Iterable[StoredTrade]) -> Iterator[WhaleOrder]:
    """The orders that the trades make up, newest first; the trades come newest first, too."""
    waiting: dict[int, StoredTrade] = {}

    def fills() -> Iterator[Fill]:
        for trade in trades:
            waiting[trade.id] = trade
            yield _fill(trade)

    for order in latest_orders(fills()):
        yield _whale_order(order, [waiting.pop(fill.id) for fill in order.fills])


def fills_of_large_orders(fills: Iterable[FillAmount], least: float) -> list[int]:
    """The ids of the fills that can be part of an order of at least this amount; ids and fills come newest first.

    An order ends with a pause of more than `GAP` seconds. So what a wallet trades without one is at least as much as
    any order in it.
    """
    latest: dict[tuple[str, str, str], list[FillAmount]] = {}
    unpaused: list[list[FillAmount]] = []
    for fill in fills:
        kind = (fill.whale_address, fill.market_external_id, fill.action)
        if kind not in latest or latest[kind][-1].second - fill.second > GAP:
            latest[kind] = []
            unpaused.append(latest[kind])
        latest[kind].append(fill)
    found = [fill for run in unpaused if sum(each.amount for each in run) >= least * _ROUNDED for fill in run]
    return [fill.id for fill in sorted(found, key=lambda fill: (fill.second, fill.id), reverse=True)]


def _fill(trade: StoredTrade) -> Fill:
    return Fill(
        trade.id,
        trade.whale_address,
        trade.market_external_id,
        named_side(trade.outcome_side, trade.outcome),
        trade.action,
        int(trade.timestamp.timestamp()),
        trade.shares or 0.0,
        trade.amount,
        trade.fee or 0.0,
    )


def _whale_order(order: Order, trades: list[StoredTrade]) -> WhaleOrder:
    newest = trades[-1]
    profits = [trade.profit for trade in trades if trade.profit is not None]
    return WhaleOrder(
        whale_address=newest.whale_address,
        platform=newest.platform,
        market_external_id=newest.market_external_id,
        root_market_external_id=newest.root_market_external_id,
        market_title=newest.market_title,
        action=newest.action,
        outcome=newest.outcome,
        outcome_side=newest.outcome_side,
        fills=len(trades),
        shares=order.shares,
        price=newest.price if len(trades) == 1 else order.price,
        amount=order.amount,
        fee=order.fees,
        profit=sum(profits) if profits else None,
        first_fill_at=from_text(from_unix(order.first)),
        last_fill_at=from_text(from_unix(order.last)),
    )
