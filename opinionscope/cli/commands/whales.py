"""Commands `whales …`: the tracked wallets."""

from functools import partial
from typing import Annotated, Any

import typer

from opinionscope.cli.commands.discover import DISCOVER_EXAMPLES, discover
from opinionscope.cli.commands.whale_names import rename, tag, untag
from opinionscope.cli.commands.whale_tracking import add, import_wallets, remove, reread
from opinionscope.cli.filter_options import Tagged, sort_option
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, examples, one_of
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.no_match import explain_filters
from opinionscope.cli.output.notes import left_out
from opinionscope.cli.valid_settings import valid_settings
from opinionscope.cli.wallet_argument import WalletArgument, find_wallet
from opinionscope.cli.whale_page import print_page, read_page
from opinionscope.cli.whale_table import NO_WALLETS, NO_WALLETS_HERE, other_shards, print_whales
from opinionscope.locations import database_path
from opinionscope.polling.limits import Limits
from opinionscope.store.database import Store
from opinionscope.store.shards import count_elsewhere, find_shard
from opinionscope.store.whales import WHALE_ORDERS, Whale, find_whales
from opinionscope.tags import parse_tag
from opinionscope.times import utc_now

whales = typer.Typer(help="Manage the tracked wallets.", add_completion=False)

# A table is for reading; an export is also how wallets move to another database, so it leaves none out.
_ROWS = 50

for command in (add, remove, reread, rename, tag, untag):
    whales.command(command.__name__)(command)
whales.command("import")(import_wallets)
whales.command("discover", epilog=DISCOVER_EXAMPLES)(discover)


@whales.command("list", epilog=examples("whales list --sort win-rate --hide-flagged", "whales list --tag vip --csv"))
def list_whales(
    *,
    sort: Annotated[str, sort_option(tuple(WHALE_ORDERS))] = "net-profit",
    tag: Tagged = None,
    hide_flagged: Annotated[
        bool, typer.Option("--hide-flagged", help="Leave out wallets flagged for farming.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Maximum number of wallets.", show_default="50 in a table, else all"),
    ] = None,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show the tracked wallets, highest net profit first.

    Record: questions won / decided, with the 95 % interval of the win rate.

    Luck: standard deviations above what fair prices would have given, at most.

    Wallets flagged for farming come last.
    """
    order = one_of(tuple(WHALE_ORDERS), sort, "sort key")
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    with Store.open_to_read(database_path(db)) as store:
        filters: dict[str, Any] = {"tag": parse_tag(tag) if tag else None, "hide_flagged": hide_flagged or None}
        most = limit or (None if form else _ROWS)
        tracked = find_whales(store, sort=order, limit=most, **filters)
        if form:
            print_records(form, Whale, tracked)
            return
        words = {"tag": f"--tag {tag}", "hide_flagged": "--hide-flagged"}
        elsewhere = count_elsewhere(store)
        nothing = NO_WALLETS_HERE if elsewhere else NO_WALLETS
        if not tracked:
            nothing = explain_filters("wallet", words, filters, partial(_count, store), otherwise=nothing)
        more = [] if most is None else left_out(len(tracked), most, partial(_count, store, **filters), "wallet")
        more += other_shards(find_shard(store), elsewhere)
        print_whales(tracked, utc_now(), nothing=nothing, more=more)


def _count(store: Store, **filters: Any) -> int:
    return len(find_whales(store, **filters))


@whales.command("show")
def show(
    wallet: WalletArgument,
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show one wallet, including removed ones: its record, its open positions, its best and worst questions.

    Trade delay: the time from a trade to the end of the run that stored it, over the runs of the last 24 hours.
    """
    now = utc_now()
    with Store.open_to_read(database_path(db)) as store:
        page = read_page(store, find_wallet(store, wallet), now, Limits.of(valid_settings()[0]))
    if as_json:
        print_json(page.as_document())
    else:
        print_page(page, now)
