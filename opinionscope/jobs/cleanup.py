"""Job `cleanup`: purge old activity, old log rows and old signals in small steps, and return the file's free space."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from opinionscope.errors import StoreError
from opinionscope.job_table import CLEANUP
from opinionscope.jobs.proof_of_time import proven_now
from opinionscope.jobs.result import JobResult, ReportProgress, no_progress
from opinionscope.jobs.run import Run
from opinionscope.store.clock import TOLERANCE
from opinionscope.store.database import Store
from opinionscope.store.disk_space import checkpoint, free_pages, give_back_pages, stop_automatic_checkpoints
from opinionscope.store.request_minutes import purge_requests
from opinionscope.store.signals import count_old_signals, purge_signals
from opinionscope.store.sync_logs import count_old_runs, find_last_completed, purge_runs
from opinionscope.store.whale_activity import count_old_trades, purge_trades
from opinionscope.store.whale_hours import KEPT, purge_hours

HOUR_OF_THE_DAY = 3
_FIRST_STEP = 500
_SMALLEST_STEP = 100
_LARGEST_STEP = 20_000
_STEP_SECONDS = 0.03
# SQLite's busy handler retries after at most 25 ms at first, so a waiting writer gets its turn within one pause.
# See sqliteDefaultBusyCallback in https://sqlite.org/src/file?name=src/main.c.
_PAUSE_SECONDS = 0.03
_LONGEST_LOG = 16_000
_LONGEST_WAIT_SECONDS = 600.0
_WAIT_SECONDS = 0.5


def work(run: Run, retention_days: int | None = None) -> JobResult:
    """A run of the job, with the retention of the settings unless `retention_days` is given.

    Raises ClockDoubted, and deletes nothing, if the clock may be far ahead.
    """
    retention = timedelta(days=retention_days) if retention_days else run.settings.retention
    return clean_up(
        run.store,
        now=proven_now(run.store, run.now),
        retention=retention,
        log_retention=run.settings.log_retention,
        progress=run.progress,
        result=run.result,
    )


@dataclass(frozen=True)
class Expired:
    """What a cleanup would delete now."""

    trades: int
    runs: int
    signals: int


def last_due(now: datetime) -> datetime:
    """The last 03:00 UTC. One completed cleanup since then is enough for the day."""
    today = now.astimezone(UTC).replace(hour=HOUR_OF_THE_DAY, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def is_due(store: Store, now: datetime) -> bool:
    """Whether no cleanup has completed since the last 03:00 UTC, as far as its date can be believed."""
    last = find_last_completed(store, CLEANUP)
    return last is None or not last_due(now) <= (last.ended_at or last.started_at) <= now + TOLERANCE


def count_expired(store: Store, *, now: datetime, retention: timedelta, log_retention: timedelta) -> Expired:
    """What a cleanup would purge. Changes nothing. Raises ClockDoubted."""
    now = proven_now(store, now)
    return Expired(
        count_old_trades(store, now - retention),
        count_old_runs(store, now - log_retention),
        count_old_signals(store, now - log_retention),
    )


def clean_up(
    store: Store,
    *,
    now: datetime,
    retention: timedelta,
    log_retention: timedelta,
    progress: ReportProgress = no_progress,
    result: JobResult | None = None,
) -> JobResult:
    """Purge trades older than `retention`, log rows and signals older than `log_retention`; counts the rows purged.

    A purged trade is still known: the wallet's totals include it, and the exchange may list it again. Each step is a
    short transaction of its own with a pause after it, so that no other job waits for long. Raises StoreError.
    """
    result = result or JobResult()
    stop_automatic_checkpoints(store)
    for purge, counts in (
        (partial(purge_trades, store, now - retention), True),
        (partial(purge_runs, store, now - log_retention), True),
        (partial(purge_signals, store, now - log_retention), True),
        (partial(purge_requests, store, now - log_retention), False),
        (partial(purge_hours, store, now - KEPT), False),
    ):
        for taken in _in_steps(store, purge):
            if counts and taken:
                result.item_count += taken
                progress("rows", result.item_count, None)
    _return_free_space(store)
    return result


def _return_free_space(store: Store) -> None:
    """Return all unused pages, including those that other processes free meanwhile."""
    while free_pages(store) and sum(_in_steps(store, partial(give_back_pages, store))) > 0:
        pass


def _in_steps(store: Store, work: Callable[[int], int]) -> Iterator[int]:
    """Call `work` again and again, with a pause, until nothing is left; how much each call did.

    Each call gets as much as the last one's speed allows in `_STEP_SECONDS`, because that depends on the disk, the
    cache and other writers. Each step has a fixed cost, so none is smaller than `_SMALLEST_STEP`.
    """
    size = _FIRST_STEP
    while True:
        begin = time.monotonic()
        done = work(size)
        seconds = time.monotonic() - begin
        yield done
        if done < size:
            return
        size = max(_SMALLEST_STEP, min(_LARGEST_STEP, 2 * size, int(size * _STEP_SECONDS / max(seconds, 0.001))))
        _write_log_back(store)
        time.sleep(_PAUSE_SECONDS)


def _write_log_back(store: Store) -> None:
    """Write the log back. If a long reader, such as a backup, prevents that, wait rather than fill the disk."""
    end = time.monotonic() + _LONGEST_WAIT_SECONDS
    while checkpoint(store) > _LONGEST_LOG:
        if time.monotonic() > end:
            raise StoreError(
                f"{store.path} has been read by another program for {_LONGEST_WAIT_SECONDS / 60:.0f} minutes, so its "
                "write-ahead log cannot shrink; close that program, and the next run continues where this one stopped."
            )
        time.sleep(_WAIT_SECONDS)
