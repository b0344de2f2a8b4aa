"""Commands `whales …`: the tracked wallets."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.addresses import parse_address
from opinionscope.cli.options import AsJson, Database
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.formats import age, count, counted, moment, money, short_address
from opinionscope.cli.output.styles import COMPLETENESS_STYLES
from opinionscope.cli.output.tables import print_facts, print_table
from opinionscope.cli.output.terminal import is_wide, write
from opinionscope.errors import UsageError
from opinionscope.known_databases import refuse_to_replace, remember
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.whale_progress import doubt_history
from opinionscope.store.whales import Added, Whale, add_whales, find_whale, find_whales, remove_whale
from opinionscope.text import one_line
from opinionscope.times import utc_now
from opinionscope.wallet_list import LONGEST_NAME, NamedWallet, parse_wallet_list, tidy_name

NO_TRADES = "no trades: is this the owner's address, not the Safe's?"
_OWNERS_ONLY = "Opinion lists trades by the owner's address; the address of a Safe (proxy wallet) shows none."

whales = typer.Typer(help="Manage the tracked wallets.", add_completion=False)

Addresses = Annotated[list[str], typer.Argument(metavar="ADDRESS", help="0x plus 40 hex digits.")]


@whales.command("add")
def add(
    addresses: Addresses,
    name: Annotated[str | None, typer.Option(help="Name for the wallet; only with one ADDRESS.")] = None,
    db: Database = None,
) -> None:
    """Track wallets. Later `sync whales` runs read their whole history."""
    if name is not None and len(addresses) > 1:
        raise UsageError("--name works with one address only; add the other wallets separately.")
    wallets = {parse_address(address): tidy_name(name) for address in addresses}
    _track(list(wallets.items()), "manual", db)
    _explain_addresses(list(wallets), db)


@whales.command("import")
def import_wallets(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV (address,name,tags) or JSON; `-` for standard input.")
    ],
    db: Database = None,
) -> None:
    """Track all wallets in a file. Nothing is imported if any address is invalid."""
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).expanduser().read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}).") from None
    except UnicodeError:
        raise UsageError(f"{file} is not UTF-8 text. Nothing was imported.") from None
    _track(parse_wallet_list(text), "import", db)


@whales.command("remove")
def remove(addresses: Addresses, db: Database = None) -> None:
    """Stop tracking wallets. Stored trades are kept; adding a wallet again resumes where it left off."""
    wanted = list(dict.fromkeys(parse_address(address) for address in addresses))
    with Store.open_existing(database_path(db)) as store:
        for address in wanted:
            whale = find_whale(store, address)
            if whale is None or not whale.enabled:
                raise UsageError(f"{address} is not tracked; see `opinionscope whales list`.")
        for address in wanted:
            remove_whale(store, address)
    write(f"{counted(len(wanted), 'wallet')} removed; stored trades are kept.\n")


@whales.command("reread")
def reread(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="0x plus 40 hex digits.")], db: Database = None
) -> None:
    """Doubt all that is known of a wallet's history and read its whole list again.

    The next runs of `sync whales` do so. A trade that two whole readings in a row do not show is withdrawn: it is kept,
    but it is part of no sum and no listing any more.
    """
    wanted = parse_address(address)
    with Store.open_existing(database_path(db)) as store:
        whale = find_whale(store, wanted)
        if whale is None or not whale.enabled:
            raise UsageError(f"{wanted} is not tracked; `opinionscope whales list` shows which wallets are.")
        doubt_history(store, wanted)
    write("The next runs of `opinionscope sync whales` read its whole list again.\n")


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
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="0x plus 40 hex digits.")],
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show details of one wallet, including removed ones."""
    wanted = parse_address(address)
    with Store.open_to_read(database_path(db)) as store:
        whale = find_whale(store, wanted)
    if whale is None:
        raise UsageError(f"{wanted} was never tracked; add it with `opinionscope whales add {wanted}`.")
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


def _track(wallets: Sequence[NamedWallet], source: str, db: Path | None) -> None:
    database = database_path(db)
    refuse_to_replace(database)
    with Store.open(database) as store:
        added = add_whales(store, wallets, source, utc_now())
    remember(database)
    write(f"{_summary(added, wallets)}.\n")


def _summary(added: Added, wallets: Sequence[NamedWallet]) -> str:
    known = len(wallets) - added.new
    parts = [f"{counted(added.new, 'wallet')} added"] if added.new else []
    if known:
        parts.append(f"{known:,} already tracked" if parts else f"{counted(known, 'wallet')} already tracked")
    renamed = ""
    if added.renamed:
        only = one_line(wallets[0][1] or "", LONGEST_NAME)
        renamed = f"; renamed to {only}" if len(wallets) == 1 else f"; {added.renamed:,} renamed"
    return ", ".join(parts) + renamed


def _explain_addresses(addresses: Sequence[str], db: Path | None) -> None:
    """Say which addresses must be used, as long as it is not known that these are right."""
    with Store.open(database_path(db)) as store:
        found = [find_whale(store, address) for address in addresses]
    for whale in found:
        if whale and whale.has_no_trades:
            write(f"{whale.address}: {NO_TRADES}\n")
    if any(whale and whale.api_total is None for whale in found):
        write(f"{_OWNERS_ONLY}\n")
