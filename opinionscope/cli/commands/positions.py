"""Command `positions`: what the tracked wallets hold and held."""

from typing import Annotated

import typer

from opinionscope.cli.completion import complete_wallet
from opinionscope.cli.market_argument import parse_market
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, examples
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.notes import left_out, print_notes
from opinionscope.cli.position_table import print_positions
from opinionscope.cli.wallet_argument import find_wallet
from opinionscope.errors import UsageError
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.position_figures import SORT_ORDERS, STATES, Position, count_positions, find_positions

positions = typer.Typer(add_completion=False)

_ALL = "all"


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
        str, typer.Option(metavar="STATE", help=f"Only positions in this state: {', '.join((*STATES, _ALL))}.")
    ] = "open",
    min_exposure: Annotated[
        float | None, typer.Option(metavar="AMOUNT", min=0, help="Minimum exposure in the quote token (USDT).")
    ] = None,
    sort: Annotated[str, typer.Option(metavar="KEY", help=f"Sort by {', '.join(SORT_ORDERS)}.")] = "exposure",
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show what the whales hold, and what they held: shares, cost and profit, largest exposure first."""
    _require(state, (*STATES, _ALL), "state")
    _require(sort, SORT_ORDERS, "sort key")
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    with Store.open_to_read(database_path(db)) as store:
        filters = {
            "whale": find_wallet(store, whale).address if whale else None,
            "market": parse_market(market) if market else None,
            "state": None if state == _ALL else state,
            "min_exposure": min_exposure,
        }
        found = find_positions(store, sort=sort, limit=limit, **filters)
        if form:
            print_records(form, Position, found)
            return
        is_filtered = any((whale, market, min_exposure, state != "open"))
        nothing = "No positions match these filters." if is_filtered else "No open positions yet."
        printed = print_positions(found, nothing=nothing, of_one_whale=bool(whale), of_one_state=state == "open")
        more = left_out(printed.rows, limit, lambda: count_positions(store, **filters), "position")
        print_notes([*printed.notes, *more])


def _require(word: str, valid: "tuple[str, ...] | dict[str, str]", what: str) -> None:
    if word not in valid:
        raise UsageError(f"{word!r} is not a valid {what}; expected one of {', '.join(valid)}.")
