"""Command `whales discover`: the exchange's leaderboard, and what is known of the wallets on it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opinionscope.cli.commands.whale_tracking import track
from opinionscope.cli.filter_options import word_option
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, examples, one_of
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.formats import counted, gain, money, short_address
from opinionscope.cli.output.notes import print_notes
from opinionscope.cli.output.styles import gain_style
from opinionscope.cli.output.tables import print_table
from opinionscope.cli.output.terminal import is_wide, warn
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.whales import KnownWallet, find_known_wallets
from opinionscope.wallet_list import NamedWallet, tidy_name

if TYPE_CHECKING:
    from opinionscope.discovery.leaderboard import Place

RANKINGS = ("profit", "volume")
PERIODS = ("24h", "7d", "30d", "all")
DISCOVER_EXAMPLES = examples("whales discover --by profit --period 30d", "whales discover --limit 20 --add")
_FARMERS = "Rankings by volume list farmers first: much of Opinion's volume is traded back and forth for points."


def discover(
    *,
    by: Annotated[
        str,
        word_option(RANKINGS, "Rank by {}.", metavar="FIGURE"),
    ] = "profit",
    period: Annotated[
        str,
        word_option(PERIODS, "{}.", metavar="PERIOD"),
    ] = "30d",
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number of wallets.")] = 100,
    add: Annotated[bool, typer.Option("--add", help="Track the wallets that are not tracked yet.")] = False,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show the exchange's leaderboard. Sends your API key to OPINION_TRADE_LEADERBOARD_URL; no other command does."""
    from opinionscope.discovery.leaderboard import Place, read_leaderboard
    from opinionscope.settings import Settings

    ranking = one_of(RANKINGS, by, "figure to rank by")
    span = one_of(PERIODS, period, "period")
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    known = _known_wallets(database_path(db))
    places, problems = read_leaderboard(Settings.load(), known, by=ranking, period=span, limit=limit)
    if problems:
        warn(f"{counted(len(problems), 'place')} could not be read, such as: {problems[0]}")
    if ranking == "volume":
        warn(_FARMERS)
    if form:
        print_records(form, Place, places)
    else:
        _print_places(places, f"{ranking.capitalize()} {span}")
    if add:
        told = _add(places, known, db)
        print_notes([] if form else [told])


def _known_wallets(database: Path) -> Mapping[str, KnownWallet]:
    if not os.path.exists(database):
        return {}
    with Store.open_to_read(database) as store:
        return find_known_wallets(store)


def _add(places: "Sequence[Place]", known: Mapping[str, KnownWallet], db: Path | None) -> str:
    """Track what is not tracked. A name that was given to a wallet here stays; the exchange's may be anybody's."""
    new = [place for place in places if not place.tracked]
    own = {address for address, wallet in known.items() if wallet.name}
    wallets = [NamedWallet(place.address, None if place.address in own else tidy_name(place.name), ()) for place in new]
    elsewhere = track(wallets, "leaderboard", db).elsewhere if wallets else 0
    told = f"{counted(len(new), 'wallet')} added, {len(places) - len(new):,} already tracked."
    return f"{told} Other shards poll {elsewhere:,} of the new ones." if elsewhere else told


def _print_places(places: "Sequence[Place]", figure: str) -> None:
    wide = is_wide()
    is_profit = figure.startswith("Profit")
    shown = gain if is_profit else money

    def style(place: "Place") -> str:
        return gain_style(place.figure) if is_profit else ""

    columns = [
        Column("Rank", lambda place: f"{place.rank}", right=True),
        Column("Name", lambda place: place.name, flexible="cut", least=8, optional=True),
        Column("Address", lambda place: place.address if wide else short_address(place.address)),
        Column(figure, lambda place: shown(place.figure), right=True, style=style, unit="USDT"),
        Column("Tracked", lambda place: "yes" if place.tracked else "no"),
        Column("Flagged", _flag, style=lambda place: "yellow" if place.flagged else ""),
    ]
    print_table(columns, places, nothing="The leaderboard is empty for this period.")


def _flag(place: "Place") -> str | None:
    return None if place.flagged is None else "yes" if place.flagged else "no"
