"""Commands `crontab …`: the schedule of this installation."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from opinionscope.cli.options import Database
from opinionscope.cli.tables import write

if TYPE_CHECKING:
    from opinionscope.monitor.crontab_file import Crontab

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

crontab = typer.Typer(help="The schedule that cron runs the jobs by.")


@crontab.command("show")
def show(db: Database = None) -> None:
    """Print the lines for this installation, with absolute paths."""
    from opinionscope.monitor.crontab import crontab_of_this_installation

    write(crontab_of_this_installation(db))


@crontab.command("install")
def install(yes: Yes = False, db: Database = None) -> None:
    """Put the lines into your crontab, or bring them up to date; the rest of it stays as it is."""
    from opinionscope.monitor.crontab import crontab_of_this_installation
    from opinionscope.monitor.crontab_file import read_crontab

    block = crontab_of_this_installation(db)
    before = read_crontab()
    after = before.with_block(block)
    if after.content == before.content:
        write("The schedule is in your crontab already.\n")
        return
    _change(after, f"{block}Put this into your crontab?", yes=yes)
    write("The schedule is in your crontab.\n")


@crontab.command("remove")
def remove(yes: Yes = False, db: Database = None) -> None:  # noqa: ARG001 - every command takes --db
    """Take the lines out of your crontab; the rest of it stays as it is."""
    from opinionscope.monitor.crontab_file import read_crontab

    before = read_crontab()
    if before.block is None:
        write("The schedule is not in your crontab.\n")
        return
    block = before.block.decode(errors="replace")
    _change(before.without_block(), f"{block}Take this out of your crontab?", yes=yes)
    write("The schedule is no longer in your crontab.\n")


def _change(crontab: "Crontab", question: str, *, yes: bool) -> None:
    """Write the crontab, if whoever sits at a terminal agrees."""
    from opinionscope.monitor.crontab_file import write_crontab

    if not yes and sys.stdin.isatty() and sys.stdout.isatty():
        typer.confirm(question, default=True, abort=True)
    write_crontab(crontab)
