"""Commands `whales …`: the tracked wallets."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opinionscope.addresses import parse_address
from opinionscope.cli.options import AsJson, Database
from opinionscope.cli.tables import (
    Column,
    age,
    count,
    counted,
    is_wide,
    moment,
    money,
    print_facts,
    print_json,
    print_table,
    short_address,
    write,
)
from opinionscope.errors import UsageError
from opinionscope.locations import database_path
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.store.database import Row
    from opinionscope.wallet_list import NamedWallet

whales = typer.Typer(help="The tracked wallets.")

Addresses = Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="0x and 40 hexadecimal digits.")]
STYLES = {"complete": "green", "catching up": "cyan", "behind": "yellow"}
_PUBLIC = (
    "address",
    "name",
    "source",
    "enabled",
    "added_at",
    "last_synced_at",
    "last_error",
    "api_total",
    "known_trades",
    "trade_count",
    "total_volume",
    "last_active_at",
    "volume_24h",
    "volume_7d",
    "volume_30d",
    "realized_profit",
    "stats_updated_at",
)


@whales.command("add")
def add(
    addresses: Addresses,
    name: Annotated[str | None, typer.Option(help="What to call it; for a single wallet.")] = None,
    db: Database = None,
) -> None:
    """Track wallets. Their whole history is read by the next runs of `sync whales`."""
    from opinionscope.wallet_list import tidy_name

    if name is not None and len(addresses) > 1:
        raise UsageError("--name is for a single wallet: add the others by themselves.")
    wallets = {parse_address(address): tidy_name(name) for address in addresses}
    _track(list(wallets.items()), "manual", db)


@whales.command("import")
def import_wallets(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="One `address[,name]` a line, or JSON; `-` is the standard input.")
    ],
    db: Database = None,
) -> None:
    """Track the wallets of a list; all of them, or none if one is no address."""
    from opinionscope.wallet_list import parse_wallet_list

    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).expanduser().read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}).") from None
    except UnicodeError:
        raise UsageError(f"{file} is no UTF-8 text. Nothing was imported.") from None
    _track(parse_wallet_list(text), "import", db)


@whales.command("remove")
def remove(addresses: Addresses, db: Database = None) -> None:
    """Stop tracking wallets. What was stored of them stays, and goes on from there if they are added again."""
    from opinionscope.store.database import Store
    from opinionscope.store.whales import find_whale, remove_whale

    wanted = list(dict.fromkeys(parse_address(address) for address in addresses))
    with Store.open_existing(database_path(db)) as store:
        for address in wanted:
            whale = find_whale(store, address)
            if whale is None or not whale["enabled"]:
                raise UsageError(f"{address} is not tracked: `opinionscope whales list` shows those that are.")
        for address in wanted:
            remove_whale(store, address)
    write(f"{counted(len(wanted), 'wallet')} removed; the history stays.\n")


@whales.command("list")
def list_whales(as_json: AsJson = False, db: Database = None) -> None:
    """Show the tracked wallets, by volume, largest first."""
    from opinionscope.store.database import Store
    from opinionscope.store.whales import find_whales

    with Store.open_existing(database_path(db)) as store:
        rows = find_whales(store)
    if as_json:
        print_json([_document(row) for row in rows])
    else:
        print_whales(rows, utc_now())


@whales.command("show")
def show(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="0x and 40 hexadecimal digits.")],
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show what is known of one wallet, tracked or removed."""
    from opinionscope.store.database import Store
    from opinionscope.store.whales import find_whale

    wanted = parse_address(address)
    with Store.open_existing(database_path(db)) as store:
        whale = find_whale(store, wanted)
    if whale is None:
        raise UsageError(f"{wanted} is not known: add it with `opinionscope whales add {wanted}`.")
    if as_json:
        print_json(_document(whale))
    else:
        _print_whale(whale, utc_now())


def print_whales(rows: "list[Row]", now: datetime) -> None:
    """A table of wallets, amounts in the quote token; the figures are those of the last `stats`."""
    from opinionscope.store.completeness import completeness

    wide = is_wide()
    columns = [
        Column("Name", lambda row: row["name"], flexible="cut", least=16, optional=True),
        Column("Address", lambda row: row["address"] if wide else short_address(row["address"])),
        Column("Trades", lambda row: count(row["trade_count"]), right=True, rank=1),
        Column("Volume", lambda row: money(row["total_volume"]), right=True),
        Column("24 h", lambda row: money(row["volume_24h"]), right=True, rank=4),
        Column("30 d", lambda row: money(row["volume_30d"]), right=True, rank=6),
        Column("Profit", lambda row: money(row["realized_profit"]), right=True, rank=2),
        Column("Last trade", lambda row: age(row["last_active_at"], now), right=True, rank=3),
        Column("History", lambda row: str(completeness(row)), style=lambda row: STYLES[completeness(row).word]),
        Column("Last error", lambda row: row["last_error"], flexible="wrap", rank=5, optional=True),
    ]
    print_table(columns, rows, nothing="No wallet is tracked yet: `opinionscope whales add ADDRESS` adds one.")


def _print_whale(whale: "Row", now: datetime) -> None:
    from opinionscope.store.completeness import completeness

    def dated(text: str | None) -> str | None:
        return text and f"{moment(text)} UTC ({age(text, now)})"

    known = f"{count(whale['known_trades'])} of {count(whale['api_total']) or 'an unknown number of'} trades"
    print_facts(
        [
            ("Address", whale["address"]),
            ("Name", whale["name"]),
            (
                "Tracked",
                f"{'yes' if whale['enabled'] else 'no longer'} ({whale['source']}, {moment(whale['added_at'])} UTC)",
            ),
            ("History", f"{completeness(whale)}: {known}"),
            ("Last sync", dated(whale["last_synced_at"])),
            ("Last error", whale["last_error"]),
            ("Last trade", dated(whale["last_active_at"])),
            ("Trades", count(whale["trade_count"])),
            ("Volume", money(whale["total_volume"])),
            ("  24 hours", money(whale["volume_24h"])),
            ("  7 days", money(whale["volume_7d"])),
            ("  30 days", money(whale["volume_30d"])),
            ("Profit", money(whale["realized_profit"])),
            ("Figures of", dated(whale["stats_updated_at"])),
        ]
    )


def _track(wallets: "list[NamedWallet]", source: str, db: Path | None) -> None:
    from opinionscope.store.database import Store
    from opinionscope.store.whales import add_whales

    with Store.open(database_path(db)) as store:
        added = add_whales(store, wallets, source, utc_now())
    known = len(wallets) - added
    write(f"{counted(added, 'wallet')} added" + (f", {known:,} tracked already" if known else "") + ".\n")


def _document(whale: "Row") -> dict[str, Any]:
    from opinionscope.store.completeness import completeness

    judged = completeness(whale)
    public = {name: whale[name] for name in _PUBLIC} | {"enabled": bool(whale["enabled"])}
    return public | {"completeness": judged.word, "missing": judged.missing}
