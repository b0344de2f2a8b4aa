"""Command `check`: is everything ready for cron?"""

import sys
from typing import TYPE_CHECKING

import typer

from opinionscope.cli.glyphs import can_show
from opinionscope.cli.options import Database
from opinionscope.cli.tables import Column, print_table
from opinionscope.errors import ExitStatus
from opinionscope.locations import database_path
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.monitor.findings import Level

_GLYPHS = {"OK": "✓", "WARNING": "!", "FAILURE": "✗"}
_WORDS = {"OK": "ok", "WARNING": "warn", "FAILURE": "FAIL"}
_STYLES = {"OK": "green", "WARNING": "yellow", "FAILURE": "bold red"}


def check(db: Database = None) -> None:
    """Check settings, key, exchange, database and schedule. Ends with 1 if one of them fails."""
    from opinionscope.monitor.checks import run_checks
    from opinionscope.monitor.findings import Level

    findings = list(run_checks(database_path(db), utc_now(), named=db))
    print_table(
        [
            Column("", lambda finding: _mark(finding.level), style=lambda finding: _STYLES[finding.level.name]),
            Column("Check", lambda finding: finding.subject),
            Column("Found", lambda finding: finding.text, flexible="wrap"),
        ],
        findings,
        nothing="Nothing was checked.",
    )
    if any(finding.level is Level.FAILURE for finding in findings):
        raise typer.Exit(ExitStatus.FAILED)


def _mark(level: "Level") -> str:
    marks = _GLYPHS if sys.stdout.isatty() and can_show("✓✗") else _WORDS
    return marks[level.name]
