"""The four jobs as they are run: each with its settings, its log row and, if it syncs, its client.

What only one of them needs is imported in it: a run that is skipped, or not due, must cost next to nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opinionscope.errors import UsageError
from opinionscope.jobs.result import JobResult, Progress, no_progress
from opinionscope.jobs.runner import Run, run_job
from opinionscope.store.database import Store
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.jobs.cleanup import Expired
    from opinionscope.settings import Settings


def sync_markets(database: Path, progress: Progress = no_progress) -> JobResult | None:
    """Run `sync markets`; None if it is running already."""

    def work(run: Run) -> JobResult:
        settings = _settings_with_key()
        from opinionscope.jobs.markets import WORKERS, sync_markets
        from opinionscope.jobs.syncing import connected

        with connected(run, settings, WORKERS) as (client, _):
            return sync_markets(client, run.store, now=run.now, progress=progress, result=run.result)

    return run_job("markets", database, work)


def sync_whales(database: Path, progress: Progress = no_progress, addresses: Sequence[str] = ()) -> JobResult | None:
    """Run `sync whales`, for all tracked wallets or for those named; None if it is running already.

    Raises UsageError for an address that is not tracked.
    """
    wanted = _tracked(database, addresses) if addresses else []

    def work(run: Run) -> JobResult:
        settings = _settings_with_key()
        from opinionscope.store.whales import has_wallets

        if not has_wallets(run.store):
            return JobResult()
        from opinionscope.jobs.syncing import connected
        from opinionscope.jobs.whales import WORKERS, sync_whales

        retention = timedelta(days=settings.retention_days)
        with connected(run, settings, WORKERS) as (client, deadline):
            return sync_whales(
                client,
                run.store,
                now=run.now,
                retention=retention,
                deadline=deadline,
                addresses=wanted,
                progress=progress,
                result=run.result,
            )

    return run_job("whales", database, work)


def compute_stats(database: Path) -> JobResult | None:
    """Run `stats`; None if it is running already."""

    def work(run: Run) -> JobResult:
        from opinionscope.jobs.stats import compute_stats

        return compute_stats(run.store, now=run.now)

    return run_job("stats", database, work)


def clean_up(database: Path, progress: Progress = no_progress, retention_days: int | None = None) -> JobResult | None:
    """Run `cleanup`, with the retention of the settings or the one given; None if it is running already."""

    def work(run: Run) -> JobResult:
        from opinionscope.jobs.cleanup import clean_up

        retention, log_retention = _retention(retention_days)
        return clean_up(
            run.store,
            now=run.now,
            retention=retention,
            log_retention=log_retention,
            progress=progress,
            result=run.result,
        )

    return run_job("cleanup", database, work)


def cleanup_is_due(database: Path) -> bool:
    """Whether no cleanup has completed since the last 03:00 UTC."""
    from opinionscope.jobs.cleanup import is_due

    with Store.open(database) as store:
        return is_due(store, utc_now())


def count_expired(database: Path, retention_days: int | None = None) -> "Expired":
    """What a cleanup would purge now."""
    from opinionscope.jobs.cleanup import count_expired

    retention, log_retention = _retention(retention_days)
    with Store.open_existing(database) as store:
        return count_expired(store, now=utc_now(), retention=retention, log_retention=log_retention)


def _settings_with_key() -> "Settings":
    """The settings of a sync job. Raises ConfigurationError if they are wrong or without a key."""
    from opinionscope.settings import Settings

    settings = Settings.load()
    settings.require_api_key()
    return settings


def _retention(days: int | None) -> tuple[timedelta, timedelta]:
    from opinionscope.settings import Settings

    settings = Settings.load()
    return timedelta(days=days or settings.retention_days), timedelta(days=settings.log_retention_days)


def _tracked(database: Path, addresses: Sequence[str]) -> list[str]:
    from opinionscope.addresses import parse_address
    from opinionscope.store.whales import find_whale

    wanted = [parse_address(address) for address in addresses]
    with Store.open(database) as store:
        for address in wanted:
            whale = find_whale(store, address)
            if whale is None or not whale["enabled"]:
                raise UsageError(f"{address} is not tracked: add it with `opinionscope whales add {address}`.")
    return wanted
