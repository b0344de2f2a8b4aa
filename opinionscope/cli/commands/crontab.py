"""Commands `crontab …`: the schedule of this installation."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from opinionscope import __version__
from opinionscope.cli.options import Database
from opinionscope.cli.output.terminal import write
from opinionscope.errors import DatabaseMisconfigured, OpinionscopeError, UsageError
from opinionscope.locations import ENV_FILE_VARIABLE, database_path, env_file
from opinionscope.schedule.cron_lines import crontab_of_this_installation
from opinionscope.schedule.installation import INSTALL_PERMANENTLY, installed_command, passing_place
from opinionscope.schedule.kubernetes import render_cron_jobs, render_shards
from opinionscope.schedule.systemd_units import units_of_this_installation
from opinionscope.schedule.user_crontab import Crontab, read_crontab, write_crontab
from opinionscope.store.database import Store
from opinionscope.store.merged_databases import is_merged_file
from opinionscope.store.schedule import record_installation
from opinionscope.times import utc_now

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]

_FORMATS = ("cron", "systemd", "kubernetes")

crontab = typer.Typer(help="Schedule the jobs with cron, systemd or Kubernetes.", add_completion=False)


@crontab.command("show")
def show(
    layout: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"What to print the schedule for: {', '.join(_FORMATS)}.")
    ] = "cron",
    shards: Annotated[
        int | None,
        typer.Option(
            "--shards", metavar="N", min=1, max=1_000, help="Kubernetes: N installations, each polling its part."
        ),
    ] = None,
    db: Database = None,
) -> None:
    """Print the crontab lines for this installation, or the schedule for another scheduler."""
    if shards is not None and layout != "kubernetes":
        raise UsageError("--shards works only with --format kubernetes.")
    image = f"opinionscope:{__version__}"
    match layout:
        case "cron":
            write(crontab_of_this_installation(db))
        case "systemd":
            write(units_of_this_installation(db))
        case "kubernetes":
            write(render_cron_jobs(image) if shards is None else render_shards(image, shards))
        case _:
            raise UsageError(f"{layout!r} is not a valid format; expected one of {', '.join(_FORMATS)}.")


@crontab.command("install")
def install(yes: Yes = False, db: Database = None) -> None:
    """Add or update the lines in your crontab. Other lines are left unchanged."""
    if is_merged_file(database_path(db)):
        raise DatabaseMisconfigured(
            f"{database_path(db)} is a merged database, on which no job runs; schedule `opinionscope merge` yourself."
        )
    before = read_crontab()
    block = crontab_of_this_installation(db, before.variables)
    after = before.with_block(block)
    if after.content == before.content:
        write("The schedule is already in your crontab.\n")
    else:
        _change(after, f"{block}Add this to your crontab?", yes=yes)
        _note_installation(db)
        write("The schedule is in your crontab.\n")
    for problem in _problems(block):
        write(f"Warning: {problem}.\n")


def _problems(block: str) -> Iterator[str]:
    """What would keep the lines from working."""
    passing = passing_place(Path(installed_command()[0]))
    if passing:
        yield f"{passing}: {INSTALL_PERMANENTLY}"
    if f"{ENV_FILE_VARIABLE}=" in block and not env_file().exists():
        yield f"{env_file()} does not exist yet; create it, or every job will fail"


@crontab.command("remove")
def remove(yes: Yes = False, db: Database = None) -> None:  # noqa: ARG001 - every command takes --db
    """Remove the lines from your crontab. Other lines are left unchanged."""
    before = read_crontab()
    if before.block is None:
        write("The schedule is not in your crontab.\n")
        return
    block = before.block.decode(errors="replace")
    _change(before.without_block(), f"{block}Remove this from your crontab?", yes=yes)
    write("The schedule was removed from your crontab.\n")


def _note_installation(db: Path | None) -> None:
    """The jobs can be expected to run from now on. A database that does not exist yet is made by the first of them."""
    with suppress(OpinionscopeError), Store.open_existing(database_path(db)) as store:
        record_installation(store, utc_now())


def _change(crontab: Crontab, question: str, *, yes: bool) -> None:
    """Write the crontab if the user agrees."""
    if not yes:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError("There is no terminal to ask on; nothing was changed. Add --yes to change your crontab.")
        typer.confirm(question, default=True, abort=True)
    write_crontab(crontab)
