"""Command `markets`: the markets that have been synced."""

from collections.abc import Iterable
from typing import Annotated

import typer

from opinionscope.cli.market_argument import market_name
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, examples
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.formats import day, money
from opinionscope.cli.output.tables import print_table
from opinionscope.errors import UsageError
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.markets import STATUSES, StoredMarket, find_markets

markets = typer.Typer(add_completion=False)


@markets.command(epilog=examples('markets --search "bitcoin"', "markets --status resolved --limit 10 --json"))
def show_markets(
    *,
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="Only markets whose title contains TEXT.")] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help=f"Only markets in this state: {', '.join(STATUSES)}.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show the synced markets, largest volume first."""
    if status is not None and status not in STATUSES:
        raise UsageError(f"{status!r} is not a valid status; expected one of {', '.join(STATUSES)}.")
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    with Store.open_to_read(database_path(db)) as store:
        found = find_markets(store, search=search, status=status, limit=limit)
        if form:
            print_records(form, StoredMarket, found)
        else:
            print_markets(found, is_filtered=bool(search or status))


def print_markets(found: Iterable[StoredMarket], *, is_filtered: bool = False) -> None:
    """A table of markets, volumes in the quote token, times in UTC."""
    columns = [
        Column("ID", lambda market: market_name(market.key), right=True),
        Column("Market", lambda market: market.title, flexible="cut", least=36),
        Column("Type", lambda market: market.market_type, rank=2),
        Column("Status", lambda market: market.status, style=_style),
        Column("Volume", lambda market: money(market.volume), right=True),
        Column("24 h", lambda market: money(market.volume_24h), right=True, rank=1),
        Column("7 d", lambda market: money(market.volume_7d), right=True, rank=3),
        Column("Closes (UTC)", lambda market: day(market.cutoff_at), rank=4),
    ]
    nothing = "No markets match these filters." if is_filtered else "No markets yet; run `opinionscope sync markets`."
    print_table(columns, found, nothing=nothing)


def _style(market: StoredMarket) -> str:
    return {"activated": "green", "resolving": "yellow", "failed": "red"}.get(market.status, "dim")
