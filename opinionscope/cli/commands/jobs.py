"""Commands `sync markets`, `sync whales`, `sync positions`, `stats` and `cleanup`: the jobs that cron runs."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.addresses import parse_address
from opinionscope.cli.completion import complete_wallet
from opinionscope.cli.job_command import JobCommand
from opinionscope.cli.options import Database
from opinionscope.cli.output.formats import counted
from opinionscope.cli.output.progress import progress_display
from opinionscope.cli.output.terminal import write
from opinionscope.cli.wallet_argument import find_wallets_polled_here, not_tracked
from opinionscope.errors import ConfigurationError, DatabaseMisconfigured, StoreError
from opinionscope.job_table import CLEANUP, MARKETS, POSITIONS, STATS, WHALES, Job
from opinionscope.jobs.result import JobResult, ReportProgress
from opinionscope.jobs.run import Work, report_unlocated_run, run_job, work_of
from opinionscope.known_databases import is_missing, remember, require_place
from opinionscope.locations import database_of_a_run, database_path
from opinionscope.shards import shard_of_this_installation
from opinionscope.store.database import Store
from opinionscope.store.merged_databases import refuse_merged
from opinionscope.store.shards import take_shard
from opinionscope.times import utc_now

sync = typer.Typer(help="Fetch data from the exchange.", add_completion=False)
stats = typer.Typer(add_completion=False)
cleanup = typer.Typer(add_completion=False)


@sync.command("markets", cls=JobCommand)
def sync_markets(db: Database = None) -> None:
    """Fetch and store all activated markets. Cron runs this every 5 minutes."""
    with progress_display() as display:
        result = _run(MARKETS, _locate(MARKETS, db), work_of(MARKETS), display.update)
        display.finish(result, lambda done: f"{counted(done.item_count, 'market')} synced")


@sync.command("whales", cls=JobCommand)
def sync_whales(
    address: Annotated[
        list[str] | None,
        typer.Option(
            "--address", metavar="WALLET", help="Poll only this wallet (repeatable).", autocompletion=complete_wallet
        ),
    ] = None,
    db: Database = None,
) -> None:
    """Poll the tracked wallets and store their new trades. Cron runs this every minute."""
    database = _locate(WHALES, db)
    addresses = _polled_here(database, address) if address else []
    with progress_display() as display:
        result = _run(WHALES, database, work_of(WHALES, addresses=addresses), display.update)
        display.finish(result, _polled)


@sync.command("positions", cls=JobCommand)
def sync_positions(db: Database = None) -> None:
    """Compare the tracked wallets' positions with those the exchange lists. Cron runs this hourly."""
    with progress_display() as display:
        result = _run(POSITIONS, _locate(POSITIONS, db), work_of(POSITIONS), display.update)
        display.finish(result, _checked)


@stats.command("stats", cls=JobCommand)
def compute_stats(db: Database = None) -> None:
    """Recompute each whale's figures. Cron runs this hourly."""
    with progress_display() as display:
        result = _run(STATS, _locate(STATS, db), work_of(STATS), display.update)
        display.finish(result, lambda done: f"figures computed for {counted(done.item_count, 'whale')}")


@cleanup.command("cleanup", cls=JobCommand)
def clean_up(
    retention_days: Annotated[
        int | None,
        typer.Option(min=1, max=36_500, help="Days of activity to keep.", show_default="the setting"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show how many rows would be deleted.")] = False,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Do nothing if cleanup has already completed since 03:00 UTC.")
    ] = False,
    db: Database = None,
) -> None:
    """Purge old trades and log rows. Cron runs this daily, after 03:00 UTC."""
    if dry_run:
        _show_expired(database_path(db), retention_days)
        return
    database = _locate(CLEANUP, db)
    if not if_due or _is_due(database):
        _purge(database, retention_days)


def _locate(job: Job, option: Path | None) -> Path:
    """The database of a run; a job that cannot tell which one it is reports that as its own failure."""
    try:
        return database_of_a_run(option) if job.needs_client else database_path(option)
    except Exception as error:
        report_unlocated_run(job, error)
        raise


def _run(job: Job, database: Path, work: Work, progress: ReportProgress) -> JobResult | None:
    """Run a job, and remember its database, so that no later run takes it for a new one when it is missing."""
    try:
        return run_job(job, database, work, progress=progress)
    finally:
        remember(database)


def _purge(database: Path, retention_days: int | None) -> None:
    with progress_display() as display:
        work = work_of(CLEANUP, retention_days=retention_days)
        result = _run(CLEANUP, database, work, display.update)
        display.finish(result, lambda done: f"{counted(done.item_count, 'row')} purged")


def _polled(result: JobResult) -> str:
    return f"{counted(result.done_count, 'wallet')} polled, {counted(result.item_count, 'new trade')} stored"


def _checked(result: JobResult) -> str:
    return f"{counted(result.done_count, 'wallet')} checked, {counted(result.item_count, 'position')} listed"


def _is_due(database: Path) -> bool:
    from opinionscope.jobs.cleanup import is_due

    if is_missing(database):
        # The run itself reports why.
        return True
    try:
        with Store.open(database) as store:
            return is_due(store, utc_now())
    except StoreError:
        # The run meets it as well, and reports it.
        return True


def _show_expired(database: Path, retention_days: int | None) -> None:
    from opinionscope.jobs.cleanup import count_expired
    from opinionscope.settings import Settings

    settings = Settings.load()
    retention = timedelta(days=retention_days) if retention_days else settings.retention
    with Store.open_to_read(database) as store:
        refuse_merged(store)
        expired = count_expired(store, now=utc_now(), retention=retention, log_retention=settings.log_retention)
    trades, runs = counted(expired.trades, "trade"), counted(expired.runs, "log row")
    signals = f" and {counted(expired.signals, 'signal')}" if expired.signals else ""
    write(f"{trades} and {runs}{signals} would be deleted.\n")


def _polled_here(database: Path, texts: Sequence[str]) -> list[str]:
    """The addresses of the wallets. Raises UsageError if one is not tracked, or another shard polls it."""
    if is_missing(database):
        try:
            require_place(database)
        except DatabaseMisconfigured:
            # The run itself reports that.
            return list(texts)
        raise not_tracked(parse_address(texts[0]))
    try:
        with Store.open(database) as store:
            take_shard(store, shard_of_this_installation(), utc_now())
            return [whale.address for whale in find_wallets_polled_here(store, texts)]
    except (StoreError, ConfigurationError):
        # The run meets it as well, and reports it.
        return list(texts)
