"""Command `activity`: the trades of the tracked wallets."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

import typer

from opinionscope.cli.completion import complete_wallet
from opinionscope.cli.market_argument import parse_market
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, Since, examples
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.formats import elapsed, gain, moment, money, price, shares, short_address
from opinionscope.cli.output.styles import gain_style
from opinionscope.cli.output.tables import print_table
from opinionscope.cli.wallet_argument import find_address
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import StoredTrade, find_activity
from opinionscope.store.whales import find_names
from opinionscope.times import parse_since, utc_now

activity = typer.Typer(add_completion=False)

_ACTION_STYLES = {"BUY": "green", "SELL": "red"}


@activity.command(
    epilog=examples(
        "activity --since 24h --min-amount 1000",
        "activity --market 5342 --json",
        "activity --market topic:337",
    )
)
def show_activity(
    *,
    whale: Annotated[
        str | None, typer.Option(metavar="WALLET", help="Only this wallet's trades.", autocompletion=complete_wallet)
    ] = None,
    market: Annotated[
        str | None,
        typer.Option(metavar="M", help="Only trades in this market: its number, or topic:NUMBER for a topic."),
    ] = None,
    min_amount: Annotated[
        float | None, typer.Option(metavar="AMOUNT", min=0, help="Minimum amount in the quote token (USDT).")
    ] = None,
    since: Since = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show the stored trades, newest first."""
    now = utc_now()
    start = None if since is None else parse_since(since, now)
    key = None if market is None else parse_market(market)
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    with Store.open_to_read(database_path(db)) as store:
        address = None if whale is None else find_address(store, whale)
        trades = find_activity(store, whale=address, market=key, min_amount=min_amount, since=start, limit=limit)
        names = find_names(store)
        if form:
            print_records(form, StoredTrade, trades)
        else:
            print_activity(trades, names, now, is_filtered=any((whale, market, min_amount, since)))


def print_activity(
    trades: Iterable[StoredTrade], names: Mapping[str, str], now: datetime, *, is_filtered: bool = False
) -> None:
    """A table of trades, amounts in the quote token, times in UTC. `names` has the wallets' names by address."""

    def name_or_address(trade: StoredTrade) -> str:
        return names.get(trade.whale_address) or short_address(trade.whale_address)

    def address_of_named(trade: StoredTrade) -> str | None:
        return short_address(trade.whale_address) if trade.whale_address in names else None

    columns = [
        Column("Time (UTC)", lambda trade: moment(trade.timestamp), rank=5),
        Column("Ago", lambda trade: elapsed(trade.timestamp, now), right=True, rank=1),
        Column("Whale", name_or_address, flexible="cut", least=11),
        Column("Address", address_of_named, rank=7, optional=True),
        Column("Action", lambda trade: trade.action, style=lambda trade: _ACTION_STYLES.get(trade.action, "")),
        Column("Outcome", lambda trade: trade.outcome, flexible="cut", least=7),
        Column("Market", lambda trade: trade.market_title, flexible="cut", least=18, enough=40),
        Column("Shares", lambda trade: shares(trade.shares), right=True, rank=4),
        Column("Price", lambda trade: price(trade.price), right=True, rank=2),
        Column("Amount", lambda trade: money(trade.amount), right=True, unit="USDT"),
        Column(
            "Profit",
            lambda trade: gain(trade.profit),
            right=True,
            rank=3,
            style=lambda trade: gain_style(trade.profit),
            unit="USDT",
        ),
    ]
    nothing = "No trades match these filters." if is_filtered else "No trades yet; run `opinionscope sync whales`."
    print_table(columns, trades, nothing=nothing)
