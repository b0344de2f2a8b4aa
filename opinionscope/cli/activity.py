"""Command `activity`: the trades of the tracked wallets."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opinionscope.addresses import parse_address
from opinionscope.cli.options import AsJson, Database, Limit, Since
from opinionscope.cli.tables import Column, age, moment, money, price, print_json, print_table, short_address
from opinionscope.locations import database_path
from opinionscope.times import parse_since, utc_now

if TYPE_CHECKING:
    from opinionscope.store.database import Row

_INTERNAL = {"fingerprint", "copy"}
_ACTION_STYLES = {"BUY": "green", "SELL": "red"}


def activity(
    *,
    whale: Annotated[str | None, typer.Option(metavar="A", help="Only this wallet's trades.")] = None,
    market: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this market's, or all of a categorical one's.")
    ] = None,
    min_amount: Annotated[
        float | None, typer.Option(metavar="X", min=0, help="Only of this amount or more, in the quote token.")
    ] = None,
    since: Since = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show the stored trades, newest first."""
    from opinionscope.store.activity import find_activity
    from opinionscope.store.database import Store
    from opinionscope.store.whales import find_names

    now = utc_now()
    start = None if since is None else parse_since(since, now)
    address = None if whale is None else parse_address(whale)
    with Store.open_existing(database_path(db)) as store:
        trades = find_activity(store, whale=address, market=market, min_amount=min_amount, since=start, limit=limit)
        names = find_names(store)
    if as_json:
        print_json([{key: value for key, value in dict(trade).items() if key not in _INTERNAL} for trade in trades])
    else:
        print_activity(trades, names, now)


def print_activity(trades: "list[Row]", names: Mapping[str, str], now: datetime) -> None:
    """A table of trades, amounts in the quote token, times in UTC. `names` has those of the wallets, by address."""

    def name_or_address(trade: "Row") -> str:
        return names.get(trade["whale_address"]) or short_address(trade["whale_address"])

    def address_of_named(trade: "Row") -> str | None:
        return short_address(trade["whale_address"]) if trade["whale_address"] in names else None

    columns = [
        Column("Time (UTC)", lambda trade: moment(trade["timestamp"]), rank=4),
        Column("Ago", lambda trade: age(trade["timestamp"], now), right=True),
        Column("Whale", name_or_address, flexible="cut", least=13),
        Column("Address", address_of_named, rank=3, optional=True),
        Column("Action", lambda trade: trade["action"], style=lambda trade: _ACTION_STYLES.get(trade["action"], "")),
        Column("Outcome", lambda trade: trade["outcome"], rank=1, flexible="cut", least=8),
        Column("Price", lambda trade: price(trade["price"]), right=True),
        Column("Amount", lambda trade: money(trade["amount"]), right=True),
        Column("Profit", lambda trade: money(trade["profit"]), right=True, rank=2),
        Column("Market", lambda trade: trade["market_title"], flexible="cut"),
    ]
    print_table(columns, trades, nothing="No such trade is stored.")
