"""Commands `whales …`: the tracked wallets."""

from functools import partial
from typing import Annotated, Any

import typer

from opinionscope.cli.commands.discover import DISCOVER_EXAMPLES, discover
from opinionscope.cli.commands.whale_names import rename, tag, untag
from opinionscope.cli.commands.whale_tracking import add, import_wallets, remove, reread
from opinionscope.cli.completion import complete_out_of, complete_tag
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, examples, one_of
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.no_match import explain_filters
from opinionscope.cli.valid_settings import valid_settings
from opinionscope.cli.wallet_argument import WalletArgument, find_wallet
from opinionscope.cli.whale_page import print_page, read_page
from opinionscope.cli.whale_table import NO_WALLETS, print_whales
from opinionscope.locations import database_path
from opinionscope.polling.limits import Limits
from opinionscope.store.database import Store
from opinionscope.store.whales import WHALE_ORDERS, Whale, find_whales
from opinionscope.tags import parse_tag
from opinionscope.times import utc_now

whales = typer.Typer(help="Manage the tracked wallets.", add_completion=False)

for command in (add, remove, reread, rename, tag, untag):
    whales.command(command.__name__)(command)
whales.command("import")(import_wallets)
whales.command("discover", epilog=DISCOVER_EXAMPLES)(discover)


@whales.command("list", epilog=examples("whales list --sort win-rate --hide-flagged", "whales list --tag vip --csv"))
def list_whales(
    *,
    sort: Annotated[
        str,
        typer.Option(
            metavar="KEY",
            help=f"Sort by {', '.join(WHALE_ORDERS)}.",
            autocompletion=complete_out_of(tuple(WHALE_ORDERS)),
        ),
    ] = "net-profit",
    tag: Annotated[
        str | None, typer.Option(metavar="TAG", help="Only wallets with this tag.", autocompletion=complete_tag)
    ] = None,
    hide_flagged: Annotated[
        bool, typer.Option("--hide-flagged", help="Leave out wallets flagged for farming.")
    ] = False,
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
        tracked = find_whales(store, sort=order, **filters)
        if form:
            print_records(form, Whale, tracked)
            return
        words = {"tag": f"--tag {tag}", "hide_flagged": "--hide-flagged"}
        nothing = NO_WALLETS
        if not tracked:
            nothing = explain_filters("wallet", words, filters, partial(_count, store), otherwise=NO_WALLETS)
        print_whales(tracked, utc_now(), nothing=nothing)


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
