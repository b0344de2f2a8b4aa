"""Commands `markets` and `markets show`: the markets that have been synced."""

from collections.abc import Mapping
from datetime import datetime
from itertools import chain
from typing import Annotated, Any

import typer

from opinionscope.cli.filter_options import sort_option, word_option
from opinionscope.cli.market_argument import parse_market
from opinionscope.cli.market_page import print_page, read_page
from opinionscope.cli.market_table import NO_MARKETS, print_markets
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, examples, one_of
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.no_match import explain_nothing
from opinionscope.cli.output.notes import left_out, print_notes, print_sentence
from opinionscope.errors import UsageError
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.markets import SORT_KEYS, STATUSES, TYPES, StoredMarket, count_markets, find_markets
from opinionscope.times import parse_until, utc_now

markets = typer.Typer(add_completion=False)

_Search = Annotated[str | None, typer.Option(metavar="TEXT", help="Only markets whose title contains TEXT.")]
_Status = Annotated[str | None, word_option(STATUSES, "Only markets in this state: {}.", metavar="STATUS")]
_Kind = Annotated[str | None, word_option(TYPES, "Only markets of this type: {}.", "--type", metavar="TYPE")]
_Label = Annotated[str | None, typer.Option(metavar="LABEL", help="Only markets with this label.")]
_Closing = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only open markets that close within TIME: 90m, 48h, 7d.")
]
_Sort = Annotated[str | None, sort_option(SORT_KEYS, show_default="closing with --closing, volume without")]


@markets.callback(
    invoke_without_command=True,
    epilog=examples(
        'markets --search "bitcoin"', "markets --closing 48h --label Sports", "markets show topic:337", "markets --csv"
    ),
)
def list_markets(
    context: typer.Context,
    *,
    search: _Search = None,
    status: _Status = None,
    kind: _Kind = None,
    label: _Label = None,
    closing: _Closing = None,
    sort: _Sort = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show the synced markets, largest volume first, and the options of a topic below it."""
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    now = utc_now()
    filters: dict[str, Any] = {
        "search": search or None,
        "status": status and one_of(STATUSES, status, "status"),
        "kind": kind and one_of(TYPES, kind, "type"),
        "label": label or None,
        "closing": closing and parse_until(closing, now),
    }
    order = one_of(SORT_KEYS, sort or ("closing" if closing else "volume"), "sort key")
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    with Store.open_to_read(database_path(db)) as store:
        found = find_markets(store, sort=order, limit=limit, now=now, **filters)
        if form:
            print_records(form, StoredMarket, found)
            return
        first = next(found, None)
        if first is None:
            words = {"search": search, "status": status, "type": kind, "label": label, "closing": closing}
            print_sentence(_explain_nothing(store, filters, words, now))
            return
        printed = print_markets(chain([first], found))
        print_notes(left_out(printed.rows, limit, lambda: count_markets(store, now=now, **filters), "market"))


@markets.command("show")
def show(
    market: Annotated[str, typer.Argument(metavar="M", help="A market's number, or topic:NUMBER for a topic.")],
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show one market or topic: its options, its rules, its page, and the whales in it."""
    key = parse_market(market)
    with Store.open_to_read(database_path(db)) as store:
        page = read_page(store, key)
    if as_json:
        print_json(page.as_document())
    else:
        print_page(page)


def _refuse_options(context: typer.Context) -> None:
    """Options of the list would do nothing before `show`."""
    if any(context.params.get(str(option.name), option.default) != option.default for option in context.command.params):
        raise UsageError(f"Options go after `markets {context.invoked_subcommand}`, not before it.")


def _explain_nothing(store: Store, filters: Mapping[str, Any], words: Mapping[str, str | None], now: datetime) -> str:
    """Which filter matches nothing. `words` are what was typed for each of the filters, under their options' names."""
    matches = {
        f"--{option} {word!r}": count_markets(store, now=now, **{name: value})
        for (option, word), (name, value) in zip(words.items(), filters.items(), strict=True)
        if word
    }
    return explain_nothing("market", matches, total=count_markets(store), otherwise=NO_MARKETS)
