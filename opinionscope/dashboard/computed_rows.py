"""Rows that follow from rules of the package, so that the pages show what the commands show."""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from opinionscope.errors import UsageError
from opinionscope.signals.agreement import find_agreements
from opinionscope.signals.rules import DEFAULT_EXPOSURE, DEFAULT_WHALES
from opinionscope.signals.stored_orders import orders_of
from opinionscope.store.database import Store
from opinionscope.store.signal_evidence import find_market_facts
from opinionscope.store.whale_activity import ActivityFilter, find_activity
from opinionscope.tags import parse_tag

Row = dict[str, Any]

_MOST_AGREEMENTS = 100
_MOST_ORDERS = 50
_MOST_FILLS = 2_000


def consensus_rows(store: Store, filters: Mapping[str, str]) -> list[Row]:
    """What `opinionscope consensus` lists. A filter that is not valid matches nothing."""
    try:
        tag = parse_tag(filters["tag"]) if filters["tag"] else None
        whales = max(2, int(filters["min_whales"] or DEFAULT_WHALES))
        exposure = float(filters["min_exposure"] or DEFAULT_EXPOSURE)
    except (UsageError, ValueError):
        return []
    found = find_agreements(store, min_whales=whales, min_exposure=exposure, tag=tag)
    return [
        {
            "market": each.title,
            "url": each.url,
            "outcome": each.outcome,
            "whales": len(each.consensus.members),
            "exposure": each.consensus.exposure,
            "members": _names(each.members),
            "opposing": len(each.consensus.opposition),
            "opposing_exposure": each.consensus.opposing_exposure,
            "opposition": _names(each.opposition) or None,
        }
        for each in found[:_MOST_AGREEMENTS]
    ]


def order_rows(store: Store, filters: Mapping[str, str]) -> list[Row]:
    """The latest orders of one whale, as `opinionscope activity --orders` lists them."""
    address = filters["whale"][-42:].lower()
    trades = find_activity(store, ActivityFilter(whale=address), limit=_MOST_FILLS)
    orders = list(islice(orders_of(trades), _MOST_ORDERS))
    with store.snapshot() as transaction:
        markets = find_market_facts(transaction, {order.market_external_id for order in orders})
    urls = {number: market.url for number, market in markets.items()}
    return [
        {**order.as_document(), "fills": f"×{order.fills}", "url": urls.get(order.market_external_id)}
        for order in orders
    ]


def _names(holders: list[Row]) -> str:
    return ", ".join(str(holder["name"] or f"{holder['address'][:6]}…{holder['address'][-4:]}") for holder in holders)


_SOURCES: dict[str, Callable[[Store, Mapping[str, str]], list[Row]]] = {
    "consensus": consensus_rows,
    "orders": order_rows,
}


def computed_rows(database: Path, source: str, filters: Mapping[str, str]) -> list[Row]:
    """The rows of a chart whose `source` is named instead of a query."""
    with Store.open_to_read(database) as store:
        return _SOURCES[source](store, filters)
