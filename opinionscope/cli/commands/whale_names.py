"""Commands `whales rename`, `tag` and `untag`: what the tracked wallets are called."""

from typing import Annotated

import typer

from opinionscope.cli.completion import complete_tag
from opinionscope.cli.options import Database
from opinionscope.cli.output.formats import counted
from opinionscope.cli.output.terminal import write
from opinionscope.cli.wallet_argument import WalletArgument, WalletArguments, find_tracked_wallet, find_tracked_wallets
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.merged_databases import refuse_merged
from opinionscope.store.whale_tags import add_tag, find_tagged, remove_tag
from opinionscope.store.whales import find_whales_called, rename_whale
from opinionscope.tags import parse_tag
from opinionscope.text import one_line
from opinionscope.wallet_list import LONGEST_NAME, tidy_name

Tag = Annotated[
    str, typer.Argument(metavar="TAG", help="Up to 32 characters without spaces.", autocompletion=complete_tag)
]


def rename(
    wallet: WalletArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name; '' for none.")],
    db: Database = None,
) -> None:
    """Rename a tracked wallet."""
    new = tidy_name(name)
    with Store.open_existing(database_path(db)) as store:
        refuse_merged(store)
        whale = find_tracked_wallet(store, wallet)
        rename_whale(store, whale.address, new)
        others = [other for other in find_whales_called(store, new or "") if other.enabled and new]
    shown = one_line(new or "", LONGEST_NAME)
    write(f"{whale.address} is now called {shown}.\n" if new else f"{whale.address} has no name now.\n")
    if len(others) > 1:
        write(f"{len(others):,} tracked wallets have this name; commands will need more than the name.\n")


def tag(wallets: WalletArguments, tag: Tag, db: Database = None) -> None:
    """Tag tracked wallets. A tag has no upper and lower case."""
    _retag(wallets, tag, db, is_added=True)


def untag(wallets: WalletArguments, tag: Tag, db: Database = None) -> None:
    """Remove a tag from tracked wallets."""
    _retag(wallets, tag, db, is_added=False)


def _retag(wallets: list[str], text: str, db: Database, *, is_added: bool) -> None:
    parsed = parse_tag(text)
    with Store.open_existing(database_path(db)) as store:
        refuse_merged(store)
        addresses = [whale.address for whale in find_tracked_wallets(store, wallets)]
        changed = (add_tag if is_added else remove_tag)(store, addresses, parsed)
        total = len(find_tagged(store, parsed))
    verb = "tagged" if is_added else "untagged"
    write(f"{counted(changed, 'wallet')} {verb}; {counted(total, 'wallet')} tagged {parsed}.\n")
