"""Command `logs`: what ran, when, and how it ended."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opinionscope.cli.options import AsJson, Database, Limit, Since
from opinionscope.cli.tables import Column, age, count, moment, print_json, print_table
from opinionscope.errors import UsageError
from opinionscope.locations import database_path
from opinionscope.times import from_text, parse_since, utc_now

if TYPE_CHECKING:
    from opinionscope.store.database import Row

STATUS_STYLES = {"completed": "green", "partial": "yellow", "failed": "red", "running": "cyan", "skipped": "dim"}


def logs(
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that failed or were partial.")] = False,
    job: Annotated[
        str | None, typer.Option("--type", metavar="T", help="Only this job: markets, whales, stats or cleanup.")
    ] = None,
    since: Since = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    db: Database = None,
) -> None:
    """Show the sync log, newest first."""
    from opinionscope.store.database import Store
    from opinionscope.store.sync_logs import JOBS, find_runs

    if job is not None and job not in JOBS:
        raise UsageError(f"There is no job {job!r}: --type takes {', '.join(JOBS)}.")
    now = utc_now()
    start = None if since is None else parse_since(since, now)
    with Store.open_existing(database_path(db)) as store:
        runs = find_runs(store, failed=failed, job=job, since=start, limit=limit)
    if as_json:
        print_json([dict(run) for run in runs])
    else:
        print_runs(runs, now)


def print_runs(runs: "list[Row]", now: datetime) -> None:
    """A table of runs, times in UTC."""
    columns = [
        Column("Started (UTC)", lambda run: moment(run["started_at"])),
        Column("Ago", lambda run: age(run["started_at"], now), right=True, rank=4),
        Column("Job", lambda run: run["type"]),
        Column("Status", lambda run: run["status"], style=lambda run: STATUS_STYLES.get(run["status"], "")),
        Column("Took", _duration, right=True, rank=2),
        Column("Items", lambda run: count(run["item_count"]), right=True, rank=1),
        Column("Failed", lambda run: count(run["failed_count"]), right=True, rank=3),
        Column("Requests", lambda run: count(run["request_count"]), right=True, rank=5),
        Column("429s", lambda run: count(run["throttled_count"]), right=True, rank=6),
        Column("Error", lambda run: run["error"], flexible="wrap", least=36, optional=True),
    ]
    print_table(columns, runs, nothing="No such run is in the log.")


def _duration(run: "Row") -> str | None:
    if run["ended_at"] is None:
        return None
    return f"{(from_text(run['ended_at']) - from_text(run['started_at'])).total_seconds():.1f} s"
