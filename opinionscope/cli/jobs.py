"""Commands `sync markets`, `sync whales`, `stats` and `cleanup`: the four jobs that cron runs."""

from typing import Annotated

import typer

from opinionscope.cli.options import Database
from opinionscope.cli.parsing import JobCommand
from opinionscope.cli.progress import watched
from opinionscope.cli.tables import write
from opinionscope.locations import database_path, database_path_for_a_log_row

sync = typer.Typer(help="Jobs that fetch from the exchange.")


@sync.command("markets", cls=JobCommand)
def sync_markets(db: Database = None) -> None:
    """Fetch every activated market and upsert it (every 5 minutes)."""
    from opinionscope.jobs import runs

    with watched() as report:
        report.show(runs.sync_markets(database_path_for_a_log_row(db), report.progress), "{item_count} markets synced")


@sync.command("whales", cls=JobCommand)
def sync_whales(
    address: Annotated[list[str] | None, typer.Option("--address", help="Poll only this tracked wallet.")] = None,
    db: Database = None,
) -> None:
    """Poll the tracked wallets and store their new trades (every minute)."""
    from opinionscope.jobs import runs

    with watched() as report:
        result = runs.sync_whales(database_path_for_a_log_row(db), report.progress, address or [])
        report.show(result, "{done_count} wallets polled, {item_count} new trades stored")


def stats(db: Database = None) -> None:
    """Recompute each whale's figures (hourly)."""
    from opinionscope.jobs import runs

    with watched() as report:
        report.show(runs.compute_stats(database_path(db)), "{item_count} whales computed")


def cleanup(
    retention_days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Days of activity to keep.", show_default="the setting")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be purged.")] = False,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only if none has completed since the last 03:00 UTC.")
    ] = False,
    db: Database = None,
) -> None:
    """Purge old activity and old logs (daily, 3 AM UTC)."""
    from opinionscope.jobs import runs

    database = database_path(db)
    if dry_run:
        expired = runs.count_expired(database, retention_days)
        write(f"{expired.trades} trades and {expired.runs} log rows would be purged.\n")
        return
    if if_due and not runs.cleanup_is_due(database):
        return
    with watched() as report:
        report.show(runs.clean_up(database, report.progress, retention_days), "{item_count} rows purged")
