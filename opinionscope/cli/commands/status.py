"""Command `status`: everything on one screen, and an exit status for a monitor."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.cli.options import AsJson, Database, examples
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.watch import watch as repeat
from opinionscope.cli.status_page import print_status
from opinionscope.cli.valid_settings import valid_settings
from opinionscope.errors import ExitStatus, ReaderLeft, UsageError
from opinionscope.health.report import Status, read_status
from opinionscope.locations import database_path
from opinionscope.settings import Settings
from opinionscope.store.database import Store
from opinionscope.times import utc_now

status = typer.Typer(add_completion=False)

_REFRESH_SECONDS = 5.0


@status.command(epilog=examples("status", "status --watch", "status --json"))
def show_status(
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh the screen every 5 seconds, until Ctrl-C.")] = False,
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show overall health. Exits with status 1 if any job is overdue, failing, or has never run.

    Trade delay: the time from a trade to the end of the run that stored it, over the runs of the last 24 hours.

    The history of a newly tracked wallet does not count.
    """
    if watch and as_json:
        raise UsageError("Choose one of --watch and --json.")
    if watch:
        repeat(lambda: _show(db), _REFRESH_SECONDS)
        return
    report, settings, now = _read(db)
    with suppress(ReaderLeft):
        if as_json:
            print_json(report.as_document())
        else:
            print_status(report, settings, now)
    if not report.healthy:
        raise typer.Exit(ExitStatus.FAILED)


def _show(db: Path | None) -> None:
    report, settings, now = _read(db)
    print_status(report, settings, now)


def _read(db: Path | None) -> tuple[Status, Settings, datetime]:
    settings, settings_error = valid_settings()
    now = utc_now()
    with Store.open_to_read(database_path(db)) as store:
        return read_status(store, now, settings, settings_error=settings_error), settings, now
