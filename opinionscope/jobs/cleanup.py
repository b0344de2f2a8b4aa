"""Job `cleanup`: purge old activity and old log rows in small steps, and give the file's free space back."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from opinionscope.jobs.result import JobResult, Progress, no_progress
from opinionscope.store.activity import count_old_trades, purge_trades
from opinionscope.store.database import Store
from opinionscope.store.figures import LONGEST_WINDOW, purge_hours
from opinionscope.store.space import free_pages, give_back_pages
from opinionscope.store.sync_logs import completed_since, count_old_runs, purge_requests, purge_runs

HOUR_OF_THE_DAY = 3
BATCH = 500
PAGES_A_STEP = 250
_BREATH = 0.01


@dataclass(frozen=True)
class Expired:
    """What a cleanup would take now."""

    trades: int
    runs: int


def last_due(now: datetime) -> datetime:
    """The last 03:00 UTC: a cleanup that completed since then is enough for the day."""
    today = now.astimezone(UTC).replace(hour=HOUR_OF_THE_DAY, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def is_due(store: Store, now: datetime) -> bool:
    """Whether no cleanup has completed since the last 03:00 UTC."""
    return not completed_since(store, "cleanup", last_due(now))


def count_expired(store: Store, *, now: datetime, retention: timedelta, log_retention: timedelta) -> Expired:
    """What `clean_up` would purge; changes nothing."""
    return Expired(count_old_trades(store, now - retention), count_old_runs(store, now - log_retention))


def clean_up(
    store: Store,
    *,
    now: datetime,
    retention: timedelta,
    log_retention: timedelta,
    progress: Progress = no_progress,
    result: JobResult | None = None,
) -> JobResult:
    """Purge trades older than `retention` and log rows older than `log_retention`; the count of rows purged.

    A purged trade is still known: the whale's totals keep it and the exchange may list it again. Each step is a
    transaction of its own with a pause after it, so that no other job waits for long.
    """
    result = result or JobResult()
    for purge, counts in (
        (partial(purge_trades, store, now - retention), True),
        (partial(purge_runs, store, now - log_retention), True),
        (partial(purge_requests, store, now - log_retention), False),
        (partial(purge_hours, store, now - LONGEST_WINDOW), False),
    ):
        while taken := purge(BATCH):
            result.item_count += taken if counts else 0
            progress("rows", result.item_count, None)
            time.sleep(_BREATH)
    _give_back_space(store)
    return result


def _give_back_space(store: Store) -> None:
    free = free_pages(store)
    while free:
        give_back_pages(store, PAGES_A_STEP)
        time.sleep(_BREATH)
        before, free = free, free_pages(store)
        if free >= before:
            return
