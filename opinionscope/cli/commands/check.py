"""Command `check`: is everything ready for cron?"""

import sys
from collections.abc import Sequence
from contextlib import suppress

import typer

from opinionscope.check.all_checks import run_checks
from opinionscope.check.finding import Finding, Level
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.exports import chosen_form, print_documents
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
def check_everything(
    as_json: AsJson = False, as_jsonl: AsJsonLines = False, as_csv: AsCsv = False, db: Database = None
) -> None:
    """Verify settings, key, exchange, database and schedule. Exits with status 1 if any check fails."""
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    findings = list(run_checks(database_path(db), utc_now(), named=db))
    with suppress(ReaderLeft):
        if form:
            print_documents(form, ("level", "subject", "text"), map(_document, findings))
        else:
            _print_findings(findings)
    if any(finding.level is Level.FAILURE for finding in findings):
        raise typer.Exit(ExitStatus.FAILED)


def _print_findings(findings: Sequence[Finding]) -> None:
    print_table(
        [
            Column("", lambda finding: _mark(finding.level), style=lambda finding: _STYLES[finding.level]),
            Column("Check", lambda finding: finding.subject),
            Column("Found", lambda finding: finding.text, flexible="wrap"),
        ],
        findings,
        nothing="Nothing was checked.",
    )


def _document(finding: Finding) -> dict[str, str]:
    return {"level": finding.level.name.lower(), "subject": finding.subject, "text": finding.text}


def _mark(level: Level) -> str:
    marks = _GLYPHS if sys.stdout.isatty() and can_show("✓✗") else _WORDS
    return marks[level]
