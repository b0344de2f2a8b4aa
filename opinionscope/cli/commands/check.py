"""Command `check`: is everything ready for cron?"""

import sys
from contextlib import suppress

import typer

from opinionscope.check.all_checks import run_checks
from opinionscope.check.finding import Level
from opinionscope.cli.options import Database
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.tables import print_table
from opinionscope.cli.output.terminal import can_show
from opinionscope.errors import ExitStatus, ReaderLeft
from opinionscope.locations import database_path
from opinionscope.times import utc_now

check = typer.Typer(add_completion=False)

_GLYPHS = {Level.OK: "✓", Level.WARNING: "!", Level.FAILURE: "✗"}
_WORDS = {Level.OK: "ok", Level.WARNING: "warn", Level.FAILURE: "FAIL"}
_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILURE: "bold red"}


@check.command()
def check_everything(db: Database = None) -> None:
    """Verify settings, key, exchange, database and schedule. Exits with status 1 if any check fails."""
    findings = list(run_checks(database_path(db), utc_now(), named=db))
    with suppress(ReaderLeft):
        print_table(
            [
                Column("", lambda finding: _mark(finding.level), style=lambda finding: _STYLES[finding.level]),
                Column("Check", lambda finding: finding.subject),
                Column("Found", lambda finding: finding.text, flexible="wrap"),
            ],
            findings,
            nothing="Nothing was checked.",
        )
    if any(finding.level is Level.FAILURE for finding in findings):
        raise typer.Exit(ExitStatus.FAILED)


def _mark(level: Level) -> str:
    marks = _GLYPHS if sys.stdout.isatty() and can_show("✓✗") else _WORDS
    return marks[level]
