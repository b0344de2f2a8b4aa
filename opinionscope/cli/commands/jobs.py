"""Commands `sync markets`, `sync whales`, `stats` and `cleanup`: the jobs that cron runs."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.addresses import parse_address
from opinionscope.cli.job_command import JobCommand
from opinionscope.cli.options import Database
from opinionscope.cli.output.progress import progress_display
from opinionscope.cli.output.terminal import write
from opinionscope.errors import DatabaseMisconfigured, UsageError
from opinionscope.job_table import CLEANUP, MARKETS, STATS, WHALES, Job
from opinionscope.jobs.result import JobResult, ReportProgress
from opinionscope.jobs.run import Work, run_job, work_of
from opinionscope.known_databases import is_missing, remember, require_place
from opinionscope.locations import database_of_a_run, database_path
from opinionscope.store.database import Store
from opinionscope.store.whales import find_whale
from opinionscope.times import utc_now

sync = typer.Typer(help="Jobs that fetch from the exchange.", add_completion=False)
stats = typer.Typer(add_completion=False)
cleanup = typer.Typer(add_completion=False)


@sync.command("markets", cls=JobCommand)
def sync_markets(db: Database = None) -> None:
    """Fetch every activated market and store it (every 5 minutes)."""
    with progress_display() as display:
        result = _run(MARKETS, database_of_a_run(db), work_of(MARKETS), display.update)
        display.finish(result, "{item_count} markets synced")


@sync.command("whales", cls=JobCommand)
def sync_whales(
    address: Annotated[
        list[str] | None, typer.Option("--address", metavar="ADDRESS", help="Poll only this tracked wallet.")
    ] = None,
    db: Database = None,
) -> None:
    """Poll the tracked wallets and store their new trades (every minute)."""
    database = database_of_a_run(db)
    addresses = _tracked(database, address) if address else []
    with progress_display() as display:
        result = _run(WHALES, database, work_of(WHALES, addresses=addresses), display.update)
        display.finish(result, "{done_count} wallets polled, {item_count} new trades stored")


@stats.command("stats", cls=JobCommand)
def compute_stats(db: Database = None) -> None:
    """Recompute the figures of each whale (hourly)."""
    with progress_display() as display:
        result = _run(STATS, database_path(db), work_of(STATS), display.update)
        display.finish(result, "{item_count} whales computed")


@cleanup.command("cleanup", cls=JobCommand)
def clean_up(
    retention_days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Days of activity to keep.", show_default="the setting")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted.")] = False,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Do nothing if cleanup has already completed since 03:00 UTC.")
    ] = False,
    db: Database = None,
) -> None:
    """Purge old activity and old logs (daily, 3 AM UTC)."""
    database = database_path(db)
    if dry_run:
        _show_expired(database, retention_days)
    elif not if_due or _is_due(database):
        _purge(database, retention_days)


def _run(job: Job, database: Path, work: Work, progress: ReportProgress) -> JobResult | None:
    """Run a job, and remember its database, so that no later run takes it for a new one when it is missing."""
    try:
        return run_job(job, database, work, progress=progress)
    finally:
        remember(database)


def _purge(database: Path, retention_days: int | None) -> None:
    with progress_display() as display:
        work = work_of(CLEANUP, retention_days=retention_days)
        display.finish(_run(CLEANUP, database, work, display.update), "{item_count} rows purged")


def _is_due(database: Path) -> bool:
    from opinionscope.jobs.cleanup import is_due

    if is_missing(database):
        # The run itself finds out why.
        return True
    with Store.open(database) as store:
        return is_due(store, utc_now())


def _show_expired(database: Path, retention_days: int | None) -> None:
    from opinionscope.jobs.cleanup import count_expired
    from opinionscope.settings import Settings

    settings = Settings.load()
    retention = timedelta(days=retention_days) if retention_days else settings.retention
    with Store.open_to_read(database) as store:
        expired = count_expired(store, now=utc_now(), retention=retention, log_retention=settings.log_retention)
    write(f"{expired.trades} trades and {expired.runs} log rows would be deleted.\n")


def _tracked(database: Path, addresses: Sequence[str]) -> list[str]:
    """The addresses in lower case. Raises UsageError if one is not tracked."""
    wanted = [parse_address(address) for address in addresses]
    if is_missing(database):
        try:
            require_place(database)
        except DatabaseMisconfigured:
            # The run itself reports that.
            return wanted
        raise _not_tracked(wanted[0])
    with Store.open(database) as store:
        for address in wanted:
            whale = find_whale(store, address)
            if whale is None or not whale.enabled:
                raise _not_tracked(address)
    return wanted


def _not_tracked(address: str) -> UsageError:
    return UsageError(f"{address} is not tracked; add it with `opinionscope whales add {address}`.")
