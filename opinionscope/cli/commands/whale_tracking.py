"""Commands `whales add`, `import`, `remove` and `reread`: which wallets are tracked."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.addresses import parse_address
from opinionscope.cli.options import Database
from opinionscope.cli.output.formats import counted
from opinionscope.cli.output.terminal import write
from opinionscope.cli.wallet_argument import (
    WalletArgument,
    WalletArguments,
    find_tracked_wallets,
    find_wallet,
    find_wallets_polled_here,
)
from opinionscope.cli.whale_table import NO_TRADES
from opinionscope.errors import UsageError
from opinionscope.known_databases import refuse_to_replace, remember
from opinionscope.locations import database_path
from opinionscope.shards import shard_of_this_installation
from opinionscope.store.database import Store
from opinionscope.store.merged_databases import refuse_merged
from opinionscope.store.shards import take_shard
from opinionscope.store.whale_progress import doubt_history
from opinionscope.store.whale_tags import add_tags
from opinionscope.store.whales import Added, add_whales, find_whale, remove_whale
from opinionscope.tags import parse_tag
from opinionscope.text import one_line
from opinionscope.times import utc_now
from opinionscope.wallet_list import LONGEST_NAME, NamedWallet, parse_wallet_list, tidy_name

_OWNERS_ONLY = "Opinion lists trades by the owner's address; the address of a Safe (proxy wallet) shows none."


def add(
    wallets: WalletArguments,
    *,
    name: Annotated[str | None, typer.Option(help="Name for the wallet; only with one WALLET.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Tag for the wallets (repeatable).")
    ] = None,
    db: Database = None,
) -> None:
    """Track wallets. Later `sync whales` runs read their whole history."""
    tags = tuple(dict.fromkeys(parse_tag(text) for text in tag or ()))
    addresses = list(dict.fromkeys(_address_of(text, db) for text in wallets))
    if name is not None and len(addresses) > 1:
        raise UsageError("--name works with one wallet only; add the other wallets separately.")
    added = [NamedWallet(address, tidy_name(name), tags) for address in addresses]
    told = _summary(track(added, "manual", db), added)
    write(f"{told}{'; tagged ' if tags else ''}{', '.join(tags)}.\n")
    _explain_addresses(addresses, db)


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
    wallets = parse_wallet_list(text)
    write(f"{_summary(track(wallets, 'import', db), wallets)}.\n")


def remove(wallets: WalletArguments, db: Database = None) -> None:
    """Stop tracking wallets. Stored trades are kept; adding a wallet again resumes where it left off."""
    with Store.open_existing(database_path(db)) as store:
        refuse_merged(store)
        wanted = find_tracked_wallets(store, wallets)
        for whale in wanted:
            remove_whale(store, whale.address)
    write(f"{counted(len(wanted), 'wallet')} removed; stored trades are kept.\n")


def reread(wallet: WalletArgument, db: Database = None) -> None:
    """Doubt all that is known of a wallet's history and read its whole list again.

    The next runs of `sync whales` do so. A trade that two whole readings in a row do not show is withdrawn.

    A withdrawn trade is kept, but it is part of no sum and no listing any more.
    """
    with Store.open_existing(database_path(db)) as store:
        refuse_merged(store)
        (whale,) = find_wallets_polled_here(store, [wallet])
        doubt_history(store, whale.address)
    write("The next runs of `opinionscope sync whales` read its whole list again.\n")


def track(wallets: Sequence[NamedWallet], source: str, db: Path | None) -> Added:
    """Track the wallets, in a database that is made if necessary, with their tags."""
    database, shard, now = database_path(db), shard_of_this_installation(), utc_now()
    refuse_to_replace(database)
    with Store.open(database) as store:
        refuse_merged(store)
        take_shard(store, shard, now)
        added = add_whales(store, [(wallet.address, wallet.name) for wallet in wallets], source, now)
        add_tags(store, {wallet.address: wallet.tags for wallet in wallets})
    remember(database)
    return added


def _polled_elsewhere(added: Added, total: int) -> str:
    """How many of the wallets other shards poll, as the end of a sentence; nothing if none."""
    if not added.elsewhere:
        return ""
    return "; another shard polls it" if total == 1 else f"; other shards poll {added.elsewhere:,} of them"


def _address_of(text: str, db: Path | None) -> str:
    """An address that may be new, or that of a wallet that is known by another word."""
    try:
        return parse_address(text)
    except UsageError:
        database = database_path(db)
        if not os.path.exists(database):
            raise
    with Store.open_to_read(database) as store:
        return find_wallet(store, text).address


def _summary(added: Added, wallets: Sequence[NamedWallet]) -> str:
    known = len(wallets) - added.new
    parts = [f"{counted(added.new, 'wallet')} added"] if added.new else []
    if known:
        parts.append(f"{known:,} already tracked" if parts else f"{counted(known, 'wallet')} already tracked")
    renamed = ""
    if added.renamed:
        only = one_line(wallets[0].name or "", LONGEST_NAME)
        renamed = f"; renamed to {only}" if len(wallets) == 1 else f"; {added.renamed:,} renamed"
    return ", ".join(parts) + renamed + _polled_elsewhere(added, len(wallets))


def _explain_addresses(addresses: Sequence[str], db: Path | None) -> None:
    """Say which addresses must be used, as long as it is not known that these are right."""
    with Store.open(database_path(db)) as store:
        found = [find_whale(store, address) for address in addresses]
    for whale in found:
        if whale and whale.has_no_trades:
            write(f"{whale.address}: {NO_TRADES}\n")
    if any(whale and whale.api_total is None for whale in found):
        write(f"{_OWNERS_ONLY}\n")
