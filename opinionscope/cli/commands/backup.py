"""Commands `backup` and `restore`: a copy of the database while jobs run, and back."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.cli.options import Database, absolute_path, examples
from opinionscope.cli.output.formats import file_size, moment
from opinionscope.cli.output.terminal import write
from opinionscope.known_databases import remember
from opinionscope.locations import database_path
from opinionscope.store.backups import back_up, restore_backup
from opinionscope.store.database import Store
from opinionscope.store.sync_logs import find_runs

backup = typer.Typer(add_completion=False)
restore = typer.Typer(add_completion=False)

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


@backup.command("backup", epilog=examples("backup /backup/opinionscope.db"))
def make_backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup; an earlier one is replaced.")],
    db: Database = None,
) -> None:
    """Copy the database to a file, at any time and as often as you like. Jobs may go on."""
    target = absolute_path(file)
    back_up(database_path(db), target)
    if sys.stdout.isatty():
        write(f"The backup is in {target} ({file_size(target.stat().st_size)}).\n")


@restore.command("restore", epilog=examples("restore /backup/opinionscope.db"))
def restore_from(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup made by `opinionscope backup`.")],
    yes: Yes = False,
    db: Database = None,
) -> None:
    """Replace the database with a backup. No job may be running, and nothing else may have the database open."""
    database, source = database_path(db), absolute_path(file)
    if database.exists() and not yes and sys.stdin.isatty() and sys.stdout.isatty():
        typer.confirm(f"Replace {database} with {source}?", default=False, abort=True)
    restore_backup(database, source)
    remember(database)
    with Store.open_to_read(database) as store:
        last = next(find_runs(store, limit=1), None)
    newest = f"its newest run began {moment(last.started_at)} UTC" if last else "no job has run on it yet"
    write(f"{database} was restored; {newest}.\n")
