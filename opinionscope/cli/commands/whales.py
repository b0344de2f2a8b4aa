"""Commands `whales …`: the tracked wallets."""

from collections.abc import Sequence
from datetime import datetime

import typer

from opinionscope.cli.commands.discover import DISCOVER_EXAMPLES, discover
from opinionscope.cli.commands.whale_names import rename, tag, untag
from opinionscope.cli.commands.whale_tracking import NO_TRADES, add, import_wallets, remove, reread
from opinionscope.cli.options import AsJson, Database
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.formats import age, count, moment, money, short_address
from opinionscope.cli.output.styles import COMPLETENESS_STYLES
from opinionscope.cli.output.tables import print_facts, print_table
from opinionscope.cli.output.terminal import is_wide
from opinionscope.cli.wallet_argument import WalletArgument, find_wallet
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.whales import Whale, find_whales
from opinionscope.times import utc_now

whales = typer.Typer(help="Manage the tracked wallets.", add_completion=False)

for command in (add, remove, reread, rename, tag, untag):
    whales.command(command.__name__)(command)
whales.command("import")(import_wallets)
whales.command("discover", epilog=DISCOVER_EXAMPLES)(discover)


@whales.command("list")
def list_whales(as_json: AsJson = False, db: Database = None) -> None:
    """Show the tracked wallets, largest volume first."""
    with Store.open_to_read(database_path(db)) as store:
        tracked = find_whales(store)
    if as_json:
        print_json([whale.as_document() for whale in tracked])
    else:
        print_whales(tracked, utc_now())


@whales.command("show")
def show(
    wallet: WalletArgument,
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show details of one wallet, including removed ones."""
    with Store.open_to_read(database_path(db)) as store:
        whale = find_wallet(store, wallet)
    if as_json:
        print_json(whale.as_document())
    else:
        _print_whale(whale, utc_now())


def print_whales(tracked: Sequence[Whale], now: datetime) -> None:
    """A table of wallets, amounts in the quote token; the figures are as of the last `stats` run."""
    wide = is_wide()
    columns = [
        Column("Name", lambda whale: whale.name, flexible="cut", least=16, optional=True),
        Column("Address", lambda whale: whale.address if wide else short_address(whale.address)),
        Column("Trades", lambda whale: count(whale.trade_count), right=True, rank=1),
        Column("Volume", lambda whale: money(whale.total_volume), right=True),
        Column("24 h", lambda whale: money(whale.volume_24h), right=True, rank=4),
        Column("30 d", lambda whale: money(whale.volume_30d), right=True, rank=6),
        Column("Profit", lambda whale: money(whale.realized_profit), right=True, rank=2),
        Column("Last trade", lambda whale: age(whale.last_active_at, now), right=True, rank=3),
        Column("History", _history, style=_completeness_style),
        Column("Last error", lambda whale: whale.last_error, flexible="wrap", rank=5, optional=True),
    ]
    print_table(columns, tracked, nothing="No wallets yet; add one with `opinionscope whales add ADDRESS`.")


def _history(whale: Whale) -> str:
    return NO_TRADES if whale.has_no_trades else str(whale.completeness)


def _completeness_style(whale: Whale) -> str:
    return "yellow" if whale.has_no_trades else COMPLETENESS_STYLES[whale.completeness.word]


def _print_whale(whale: Whale, now: datetime) -> None:
    def dated(time: datetime | None) -> str | None:
        return None if time is None else f"{moment(time)} UTC ({age(time, now)})"

    total = "exchange total unknown" if whale.api_total is None else f"of {count(whale.api_total)} on the exchange"
    known = f"{count(whale.known_trades)} trades known, {total}"
    tracked = "yes, added" if whale.enabled else "no, removed; added"
    print_facts(
        [
            ("Address", whale.address),
            ("Name", whale.name),
            ("Tracked", f"{tracked} {moment(whale.added_at)} UTC ({whale.source})"),
            ("History", NO_TRADES if whale.has_no_trades else f"{whale.completeness}: {known}"),
            ("  Why", _why(whale)),
            ("  Since", dated(whale.standing_since)),
            ("  Read whole", dated(whale.whole_read_at)),
            ("Last sync", dated(whale.last_synced_at)),
            ("Last error", whale.last_error),
            ("Last trade", dated(whale.last_active_at)),
            ("Buys and sells", count(whale.trade_count)),
            ("Volume", money(whale.total_volume)),
            ("  24 hours", money(whale.volume_24h)),
            ("  7 days", money(whale.volume_7d)),
            ("  30 days", money(whale.volume_30d)),
            ("Profit", money(whale.realized_profit)),
            ("Figures as of", dated(whale.stats_updated_at)),
        ]
    )


def _why(whale: Whale) -> str | None:
    """What the numbers alone do not tell of a history; None if there is nothing to tell."""
    if whale.listed_newest is not None and whale.completeness.missing:
        return f"the exchange lists only its newest {whale.listed_newest:,}"
    reasons = [
        (whale.missed, f"{whale.missed:,} known trades are not listed any more"),
        (whale.waiting, f"{whale.waiting:,} new trades are more than the exchange counts, and wait to be seen again"),
        (whale.doubted, "its whole list is to be read again"),
    ]
    return "; ".join(reason for applies, reason in reasons if applies) or None
