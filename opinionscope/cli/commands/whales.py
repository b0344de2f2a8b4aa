"""Commands `whales …`: the tracked wallets."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.addresses import parse_address
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, examples
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.formats import counted
from opinionscope.cli.output.terminal import write
from opinionscope.cli.wallet_argument import find_wallet
from opinionscope.cli.whale_page import print_page, read_page
from opinionscope.cli.whale_table import NO_TRADES, print_whales
from opinionscope.errors import UsageError
from opinionscope.known_databases import refuse_to_replace, remember
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.whale_progress import doubt_history
from opinionscope.store.whales import (
    WHALE_ORDERS,
    Added,
    Whale,
    add_whales,
    find_whale,
    find_whales,
    remove_whale,
)
from opinionscope.tags import parse_tag
from opinionscope.text import one_line
from opinionscope.times import utc_now
from opinionscope.wallet_list import LONGEST_NAME, NamedWallet, parse_wallet_list, tidy_name

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


@whales.command("list", epilog=examples("whales list --sort win-rate --hide-flagged", "whales list --tag vip --csv"))
def list_whales(
    *,
    sort: Annotated[str, typer.Option(metavar="KEY", help=f"Sort by {', '.join(WHALE_ORDERS)}.")] = "net-profit",
    tag: Annotated[str | None, typer.Option(metavar="TAG", help="Only wallets with this tag.")] = None,
    hide_flagged: Annotated[
        bool, typer.Option("--hide-flagged", help="Leave out wallets flagged for farming.")
    ] = False,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show the tracked wallets, highest net profit first.

    Record: questions won / decided, and the 95 % interval of the rate. Luck: standard deviations above what fair prices
    would have given, at most. Wallets flagged for farming come last.
    """
    if sort not in WHALE_ORDERS:
        raise UsageError(f"{sort!r} is not a valid sort key; expected one of {', '.join(WHALE_ORDERS)}.")
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    with Store.open_to_read(database_path(db)) as store:
        tracked = find_whales(store, sort=sort, tag=parse_tag(tag) if tag else None, hide_flagged=hide_flagged)
    if form:
        print_records(form, Whale, tracked)
    else:
        print_whales(tracked, utc_now(), is_filtered=bool(tag or hide_flagged))


@whales.command("show")
def show(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="0x plus 40 hex digits.")],
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show one wallet, including removed ones: its record, its open positions, its best and worst questions."""
    with Store.open_to_read(database_path(db)) as store:
        page = read_page(store, find_wallet(store, address))
    if as_json:
        print_json(page.as_document())
    else:
        print_page(page, utc_now())


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
