"""The trades or the orders that a filter lets through, newest first."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from opinionscope.cli.activity_table import Listed
from opinionscope.signals.stored_orders import fills_of_large_orders, orders_of
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import (
    ActivityFilter,
    StoredTrade,
    find_activity,
    find_activity_after,
    find_amounts,
    find_trades,
)

_FILLS_PER_ORDER = 1_000
_MOST_FILLS = 100_000


def fills_read(limit: int) -> int:
    """How many of the latest fills are looked through for this many orders of at least some amount."""
    return min(limit * _FILLS_PER_ORDER, _MOST_FILLS)


def find_listed(store: Store, wanted: ActivityFilter, limit: int, *, as_orders: bool) -> Iterator[Listed]:
    """The latest ones, at most `limit`. An order counts by its whole amount."""
    if not as_orders:
        return find_activity(store, wanted, limit=limit)
    of_any_amount = replace(wanted, min_amount=None)
    if not wanted.min_amount:
        trades = find_activity(store, of_any_amount, limit=limit * _FILLS_PER_ORDER)
        return islice(orders_of(trades), limit)
    fills = find_amounts(store, of_any_amount, limit=fills_read(limit))
    return islice(_large_orders(find_trades(store, fills_of_large_orders(fills, wanted.min_amount)), wanted), limit)


def new_listed(store: Store, wanted: ActivityFilter, trade_id: int, *, as_orders: bool) -> list[Listed]:
    """Those that were stored after the trade of this id."""
    if not as_orders:
        return list(find_activity_after(store, wanted, trade_id))
    trades = find_activity_after(store, replace(wanted, min_amount=None), trade_id)
    return list(_large_orders(trades, wanted))


def _large_orders(trades: Iterable[StoredTrade], wanted: ActivityFilter) -> Iterator[Listed]:
    return (order for order in orders_of(trades) if order.amount >= (wanted.min_amount or 0))
