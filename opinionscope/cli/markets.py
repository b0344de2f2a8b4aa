"""Command `markets`: the markets that have been synced."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from opinionscope.cli.options import AsJson, Database, Limit
from opinionscope.cli.tables import Column, money, print_json, print_table
from opinionscope.errors import UsageError
from opinionscope.locations import database_path

if TYPE_CHECKING:
    from opinionscope.store.database import Row

_INTERNAL = {"looked_up_at"}


def markets(
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="Only titles that contain this.")] = None,
    status: Annotated[str | None, typer.Option(metavar="S", help="Only those that are activated, resolved, …")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show the synced markets, by volume, largest first."""
    from opinionscope.store.database import Store
    from opinionscope.store.markets import STATUSES, find_markets

    if status is not None and status not in STATUSES:
        raise UsageError(f"There is no status {status!r}: --status takes {', '.join(STATUSES)}.")
    with Store.open_existing(database_path(db)) as store:
        rows = find_markets(store, search=search, status=status, limit=limit)
    if as_json:
        print_json([_document(row) for row in rows])
    else:
        print_markets(rows)


def print_markets(rows: "list[Row]") -> None:
    """A table of markets, volumes in the quote token, times in UTC."""
    columns = [
        Column("ID", lambda row: row["external_id"], right=True),
        Column("Market", lambda row: row["title"], flexible="cut", least=36),
        Column("Type", lambda row: row["market_type"], rank=2),
        Column("Status", lambda row: row["status"], style=_style),
        Column("Volume", lambda row: money(row["volume"]), right=True),
        Column("24 h", lambda row: money(row["volume_24h"]), right=True, rank=1),
        Column("7 d", lambda row: money(row["volume_7d"]), right=True, rank=3),
        Column("Closes (UTC)", lambda row: row["cutoff_at"] and row["cutoff_at"][:10], rank=4),
    ]
    print_table(columns, rows, nothing="No such market has been synced.")


def _style(row: "Row") -> str:
    return {"activated": "green", "resolving": "yellow", "failed": "red"}.get(row["status"], "dim")


def _document(row: "Row") -> dict[str, Any]:
    import json

    public = {name: value for name, value in dict(row).items() if name not in _INTERNAL}
    return public | {"labels": json.loads(row["labels"])}
