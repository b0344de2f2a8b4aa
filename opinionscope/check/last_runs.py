"""The checks of what the log says: how the last runs went, and whether their dates can be believed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from opinionscope.check.finding import Finding, failure, ok, warning
from opinionscope.errors import StoreError
from opinionscope.job_table import JOBS, WHALES
from opinionscope.store.clock import FutureRuns, find_future_runs
from opinionscope.store.database import Store
from opinionscope.store.run_history import JobHistory, read_history
from opinionscope.store.sync_logs import find_runs
from opinionscope.times import ago

_OBSERVED = timedelta(minutes=10)
_MINUTES_WITH_RUNS = 7
_MOST_RUNS = 100


def check_last_runs(database: Path, now: datetime) -> Iterator[Finding]:
    """How the last run of each job went, and whether the log is ahead of this machine's clock."""
    try:
        with Store.open_existing(database) as store:
            histories = [read_history(store, job, now) for job in JOBS]
            future = find_future_runs(store, now)
    except StoreError:
        yield warning("last runs", "none: no job has run yet")
        return
    yield judge_last_runs(histories, now)
    if future.count:
        yield judge_dates(future)


def run_on_time(database: Path, now: datetime) -> bool:
    """Whether something starts the jobs as scheduled: `sync whales` has run in most of the last ten minutes."""
    try:
        with Store.open_existing(database) as store:
            runs = find_runs(store, job=WHALES.name, since=now - _OBSERVED, limit=_MOST_RUNS)
            return len({run.started_at.replace(second=0, microsecond=0) for run in runs}) >= _MINUTES_WITH_RUNS
    except StoreError:
        return False


def judge_last_runs(histories: list[JobHistory], now: datetime) -> Finding:
    """A job that fails is a failure; one that has never run is a warning, unless it was scheduled only just now."""
    text = ", ".join(_describe(history, now) for history in histories)
    if any(history.streak.count or history.was_killed for history in histories):
        return failure("last runs", f"{text}: see `opinionscope status`")
    if any(history.last is None and not _is_not_yet_due(history, now) for history in histories):
        return warning("last runs", f"{text}: see `opinionscope status`")
    return ok("last runs", text)


def judge_dates(future: FutureRuns) -> Finding:
    """Runs that are dated later than now."""
    runs = "1 run" if future.count == 1 else f"{future.count:,} runs"
    return warning(
        "dates",
        f"{runs} in the log dated later than now, up to {future.latest:%Y-%m-%d %H:%M:%S} UTC: the clock was ahead "
        "then, or is behind now. Keep it right with NTP",
    )


def _describe(history: JobHistory, now: datetime) -> str:
    if history.last is None:
        return f"{history.job.name} {'not yet due' if _is_not_yet_due(history, now) else 'never'}"
    status = "killed" if history.was_killed and history.last == history.begun else history.last.status
    return f"{history.job.name} {status} {ago(history.last.started_at, now)}"


def _is_not_yet_due(history: JobHistory, now: datetime) -> bool:
    """Whether the schedule was installed so recently that the job need not have run."""
    installed_at = history.schedule.installed_at if history.schedule else None
    return installed_at is not None and timedelta(0) <= now - installed_at <= history.job.patience
