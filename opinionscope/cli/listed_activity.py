"""The trades or the orders that a filter lets through, newest first."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from opinionscope.cli.activity_table import Listed
from opinionscope.signals.stored_orders import orders_of
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import ActivityFilter, find_activity, find_activity_after

FILLS_PER_ORDER = 1_000
"""For each order to be listed, at most this many fills are read."""


def find_listed(store: Store, wanted: ActivityFilter, limit: int, *, as_orders: bool) -> Iterator[Listed]:
    """The latest ones, at most `limit`. An order counts by its whole amount."""
    if not as_orders:
        return find_activity(store, wanted, limit=limit)
    trades = find_activity(store, replace(wanted, min_amount=None), limit=limit * FILLS_PER_ORDER)
    return islice((order for order in orders_of(trades) if order.amount >= (wanted.min_amount or 0)), limit)


def new_listed(store: Store, wanted: ActivityFilter, trade_id: int, *, as_orders: bool) -> list[Listed]:
    """Those that were stored after the trade of this id."""
    if not as_orders:
        return list(find_activity_after(store, wanted, trade_id))
    trades = find_activity_after(store, replace(wanted, min_amount=None), trade_id)
    return [order for order in orders_of(trades) if order.amount >= (wanted.min_amount or 0)]
