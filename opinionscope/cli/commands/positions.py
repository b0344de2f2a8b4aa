"""Command `positions`: what the tracked wallets hold and held."""

from collections.abc import Mapping
from itertools import chain
from typing import Annotated, Any

import typer

from opinionscope.cli.filter_options import InMarket, OfWallet, sort_option, word_option
from opinionscope.cli.market_argument import parse_market
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, examples, one_of
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.formats import typed
from opinionscope.cli.output.no_match import explain_nothing
from opinionscope.cli.output.notes import left_out, print_notes, print_sentence
from opinionscope.cli.position_table import NO_POSITIONS, print_positions
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
    whale: OfWallet = None,
    market: InMarket = None,
    state: Annotated[
        str, word_option((*STATES, _ALL), "Only positions in this state: {}.", metavar="STATE")
    ] = _DEFAULT,
    min_exposure: Annotated[
        float | None, typer.Option(metavar="AMOUNT", min=0, help="Minimum exposure in the quote token (USDT).")
    ] = None,
    sort: Annotated[str, sort_option(SORT_ORDERS)] = "exposure",
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show what the whales hold, and what they held: shares, cost and profit, largest exposure first."""
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    kept, order = one_of((*STATES, _ALL), state, "state"), one_of(SORT_ORDERS, sort, "sort key")
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
        first = next(found, None)
        if first is None:
            words = {"--whale": whale, "--market": market, "--state": kept, "--min-exposure": typed(min_exposure or 0)}
            print_sentence(_explain_nothing(store, filters, words))
            return
        printed = print_positions(chain([first], found), of_one_whale=bool(whale), of_one_state=kept == "open")
        more = left_out(printed.rows, limit, lambda: count_positions(store, **filters), "position")
        print_notes([*printed.notes, *more])


def _explain_nothing(store: Store, filters: Mapping[str, Any], words: Mapping[str, object]) -> str:
    """Which filter matches nothing. `words` are the options' names and values, in the order of the filters."""
    matches = {
        f"{option} {word}": count_positions(store, **{"state": None, name: value})
        for (option, word), (name, value) in zip(words.items(), filters.items(), strict=True)
        if value is not None
    }
    return explain_nothing("position", matches, total=count_positions(store, state=None), otherwise=NO_POSITIONS)
