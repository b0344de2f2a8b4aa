"""Command `positions`: what the tracked wallets hold and held."""

from typing import Annotated, Any

import typer

from opinionscope.cli.completion import complete_out_of, complete_wallet
from opinionscope.cli.market_argument import parse_market
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, examples, one_of
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.notes import left_out, print_notes
from opinionscope.cli.position_table import print_positions
from opinionscope.cli.wallet_argument import find_wallet
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.position_figures import SORT_ORDERS, STATES, Position, count_positions, find_positions

positions = typer.Typer(add_completion=False)

_ALL = "all"
_DEFAULT = "open"


@positions.command(
    epilog=examples(
        "positions --min-exposure 1000",
        "positions --whale Ann --state all --sort profit",
        "positions --market topic:337 --csv",
    )
)
def show_positions(
    *,
    whale: Annotated[
        str | None,
        typer.Option(
            metavar="WALLET",
            help="Only this wallet's positions: its address, its name, or the beginning of its address.",
            autocompletion=complete_wallet,
        ),
    ] = None,
    market: Annotated[
        str | None,
        typer.Option(metavar="M", help="Only positions in this market: its number, or topic:NUMBER for a topic."),
    ] = None,
    state: Annotated[
        str,
        typer.Option(
            metavar="STATE",
            help=f"Only positions in this state: {', '.join((*STATES, _ALL))}.",
            autocompletion=complete_out_of((*STATES, _ALL)),
        ),
    ] = _DEFAULT,
    min_exposure: Annotated[
        float | None, typer.Option(metavar="AMOUNT", min=0, help="Minimum exposure in the quote token (USDT).")
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            metavar="KEY", help=f"Sort by {', '.join(SORT_ORDERS)}.", autocompletion=complete_out_of(tuple(SORT_ORDERS))
        ),
    ] = "exposure",
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show what the whales hold, and what they held: shares, cost and profit, largest exposure first."""
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    kept, order = one_of((*STATES, _ALL), state, "state"), one_of(tuple(SORT_ORDERS), sort, "sort key")
    with Store.open_to_read(database_path(db)) as store:
        filters: dict[str, Any] = {
            "whale": find_wallet(store, whale).address if whale else None,
            "market": parse_market(market) if market else None,
            "state": None if kept == _ALL else kept,
            "min_exposure": min_exposure,
        }
        found = find_positions(store, sort=order, limit=limit, **filters)
        if form:
            print_records(form, Position, found)
            return
        is_filtered = any((whale, market, min_exposure, kept != _DEFAULT))
        nothing = "No positions match these filters." if is_filtered else "No open positions yet."
        printed = print_positions(found, nothing=nothing, of_one_whale=bool(whale), of_one_state=kept == "open")
        more = left_out(printed.rows, limit, lambda: count_positions(store, **filters), "position")
        print_notes([*printed.notes, *more])
