"""Command `activity`: the trades of the tracked wallets."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

import typer

from opinionscope.cli.activity_feed import follow_activity
from opinionscope.cli.activity_table import Listed, order_columns, trade_columns
from opinionscope.cli.filter_options import InMarket, OfWallet, Tagged, word_option
from opinionscope.cli.listed_activity import fills_read, find_listed
from opinionscope.cli.market_argument import parse_market
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, Since, examples, one_of
from opinionscope.cli.output.exports import Form, chosen_form, print_records
from opinionscope.cli.output.formats import counted, typed
from opinionscope.cli.output.no_match import explain_nothing
from opinionscope.cli.output.notes import print_notes, print_sentence
from opinionscope.cli.output.tables import print_table
from opinionscope.cli.output.terminal import warn
from opinionscope.cli.wallet_argument import find_address
from opinionscope.errors import UsageError
from opinionscope.locations import database_path
from opinionscope.signals.stored_orders import WhaleOrder
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import ACTIONS, ANY, ActivityFilter, StoredTrade, count_activity
from opinionscope.store.whales import find_names
from opinionscope.tags import parse_tag
from opinionscope.times import parse_since, utc_now

activity = typer.Typer(add_completion=False)

_ACTIONS = tuple(action.lower() for action in ACTIONS)
_Action = Annotated[str | None, word_option(_ACTIONS, "Only trades of this kind: {}.", metavar="ACTION")]
_MinAmount = Annotated[
    float | None,
    typer.Option(metavar="AMOUNT", min=0, help="Minimum amount of the order or fill, in the quote token (USDT)."),
]
_AsOrders = Annotated[
    bool | None,
    typer.Option(
        "--orders/--fills",
        help="Show the fills of one order on one line, or each fill.",
        show_default="orders in a terminal, fills elsewhere",
    ),
]
_Follow = Annotated[bool, typer.Option("--follow", "-f", help="Keep printing trades as they are stored, until Ctrl-C.")]
_LOOKED_FOR = 100
_NO_TRADES = "No trades yet; run `opinionscope sync whales`."


@activity.command(
    epilog=examples(
        "activity --since 24h --min-amount 1000",
        "activity --tag vip --action sell --follow",
        "activity --market topic:337 --json",
    )
)
def show_activity(
    *,
    whale: OfWallet = None,
    tag: Tagged = None,
    market: InMarket = None,
    action: _Action = None,
    min_amount: _MinAmount = None,
    orders: _AsOrders = None,
    follow: _Follow = False,
    since: Since = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show the stored trades, newest first.

    An order is a wallet's fills of one market, outcome and action with at most a minute between them, up to 10 minutes.
    """
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    if follow and form not in (None, "jsonl"):
        raise UsageError(f"--follow prints a table or --jsonl, not --{form}.")
    as_orders = form is None and sys.stdout.isatty() if orders is None else orders
    with Store.open_to_read(database_path(db)) as store:
        wanted = ActivityFilter(
            whale=None if whale is None else find_address(store, whale),
            tag=None if tag is None else parse_tag(tag),
            market=None if market is None else parse_market(market),
            action=None if action is None else one_of(_ACTIONS, action, "action").upper(),
            min_amount=min_amount,
            since=None if since is None else parse_since(since, utc_now()),
        )
        if form and not follow:
            _export(store, form, wanted, limit, as_orders=as_orders)
        elif not follow:
            words = (whale, tag, market, action, typed(min_amount or 0), since)
            _print_table(store, wanted, limit, words, as_orders=as_orders)
    if follow:
        follow_activity(database_path(db), wanted, limit, as_orders=as_orders, as_lines=form is not None)


def _export(store: Store, form: Form, wanted: ActivityFilter, limit: int, *, as_orders: bool) -> None:
    kind: type[Listed] = WhaleOrder if as_orders else StoredTrade
    rows: Iterable[Listed] = find_listed(store, wanted, limit, as_orders=as_orders)
    if as_orders and wanted.min_amount:
        rows = list(rows)
        for note in _left_out(store, wanted, len(rows), limit, as_orders=True) if len(rows) < limit else ():
            warn(note)
    print_records(form, kind, rows)


def _print_table(
    store: Store, wanted: ActivityFilter, limit: int, words: tuple[str | None, ...], *, as_orders: bool
) -> None:
    rows = find_listed(store, wanted, limit, as_orders=as_orders)
    columns = (order_columns if as_orders else trade_columns)(find_names(store), utc_now())
    shown = print_table(columns, rows, nothing="")
    notes = _left_out(store, wanted, shown, limit, as_orders=as_orders)
    if shown:
        print_notes(notes)
    else:
        explained = notes or [_explain_nothing(store, wanted, words, as_orders=as_orders)]
        for text in explained:
            print_sentence(text)


def _left_out(store: Store, wanted: ActivityFilter, shown: int, limit: int, *, as_orders: bool) -> list[str]:
    if as_orders and shown == limit:
        return [f"The latest {shown:,} orders; use --limit to show more, --fills to show each fill."]
    if as_orders:
        read = fills_read(limit)
        if not wanted.min_amount or count_activity(store, replace(wanted, min_amount=None), most=read) is not None:
            return []
        further = "--limit" if fills_read(limit + 1) > read else "--fills"
        return [f"{counted(shown, 'order')} among the latest {read:,} trades; use {further} to look further back."]
    total = count_activity(store, wanted) if shown == limit else shown
    if total == shown:
        return []
    return [f"{shown:,} of {'more than 10,000' if total is None else f'{total:,}'} trades; use --limit to show more."]


def _explain_nothing(store: Store, wanted: ActivityFilter, words: tuple[str | None, ...], *, as_orders: bool) -> str:
    """Which filter matches nothing. `words` are what was typed, in the order of the filters."""
    options = ("whale", "tag", "market", "action", "min_amount", "since")
    given = [name for name in options if getattr(wanted, name) is not None]

    def matches(name: str) -> bool:
        if len(given) == 1:
            return False
        return _any(store, replace(ANY, **{name: getattr(wanted, name)}), as_orders=as_orders)

    typed = dict(zip(options, words, strict=True))
    found = {f"--{name.replace('_', '-')} {typed[name]}": int(matches(name)) for name in given}
    return explain_nothing(
        "order" if as_orders else "trade", found, total=int(_any(store, ANY, as_orders=False)), otherwise=_NO_TRADES
    )


def _any(store: Store, wanted: ActivityFilter, *, as_orders: bool) -> bool:
    return next(find_listed(store, wanted, _LOOKED_FOR, as_orders=as_orders), None) is not None
