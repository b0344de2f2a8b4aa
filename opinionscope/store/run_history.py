"""Questions about the sync log that are answered at once, however long it is: each one walks along an index.

What came last, and what came in a row, is told by the order of the log (its ids) and never by its dates: the clock may
have been wrong when some of them were written. See also `store/clock.py`.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from opinionscope.job_table import Job
from opinionscope.locks import beside, is_free
from opinionscope.store.database import Store
from opinionscope.store.rows import select, select_first
from opinionscope.store.schedule import ScheduleDates, find_schedule_dates
from opinionscope.store.sync_logs import KILLED, LoggedRun, find_last_completed
from opinionscope.times import from_text, to_millis_text

TYPICAL_RUNS = 20
_NEWEST_FIRST = "ORDER BY id DESC"


@dataclass(frozen=True)
class Streak:
    """Failed and partial runs since the last completed one. `since` is when the first of them began."""

    count: int = 0
    since: datetime | None = None
    last_status: str | None = None
    last_error: str | None = None


@dataclass(frozen=True)
class JobHistory:
    """What the log says about a job.

    `last`, `begun` (not skipped) and `completed` are its last such runs. `begun_at` and `completed_at` are when the
    last of them began whose date can be believed, because it is not later than now. `was_killed`: `begun` was killed,
    and no other run has noted it yet. `seconds` are of its last completed runs.
    """

    job: Job
    last: LoggedRun | None
    begun: LoggedRun | None
    completed: LoggedRun | None
    begun_at: datetime | None
    completed_at: datetime | None
    schedule: ScheduleDates | None
    was_killed: bool
    streak: Streak
    skipped: int
    seconds: list[float]


def read_history(store: Store, job: Job, now: datetime) -> JobHistory:
    """Everything that the health of a job is judged by."""
    begun = select_first(store, LoggedRun, f"WHERE type = ? AND status <> 'skipped' {_NEWEST_FIRST}", (job.name,))
    return JobHistory(
        job=job,
        last=select_first(store, LoggedRun, f"WHERE type = ? {_NEWEST_FIRST}", (job.name,)),
        begun=begun,
        completed=find_last_completed(store, job),
        begun_at=_last_believable_start(store, job, "status <> 'skipped'", now),
        completed_at=_last_believable_start(store, job, "status = 'completed'", now),
        schedule=find_schedule_dates(store),
        was_killed=begun is not None and is_killed(store, begun),
        streak=read_streak(store, job, now),
        skipped=_skipped_since(store, job, begun) if begun else 0,
        seconds=_durations(store, job),
    )


def is_killed(store: Store, run: LoggedRun) -> bool:
    """Whether a run that the log calls `running` is dead: it would hold the lock of its job. Writes nothing."""
    if run.status != "running" or not is_free(beside(store.path, f"{run.type}.lock")):
        return False
    # It may have ended between the two looks.
    return bool(store.value("SELECT status = 'running' FROM sync_logs WHERE id = ?", (run.id,)))


def read_streak(store: Store, job: Job, now: datetime) -> Streak:
    """The failures of a job in a row, up to now. Skipped and interrupted runs and those under way count neither way."""
    completed = find_last_completed(store, job)
    count, first = store.query(
        "SELECT count(*), min(id) FROM sync_logs WHERE type = ? AND status IN ('failed', 'partial') AND id > ?",
        (job.name, completed.id if completed else 0),
    )[0]
    if not count:
        return Streak()
    # The + keeps SQLite from sorting every failure on record: the newest is at the end of the index by type.
    last = select_first(
        store, LoggedRun, f"WHERE type = ? AND +status IN ('failed', 'partial') {_NEWEST_FIRST}", (job.name,)
    )
    began = from_text(store.value("SELECT started_at FROM sync_logs WHERE id = ?", (first,)))
    if completed:
        began = max(began, completed.started_at)
    return Streak(count, min(began, now), last.status if last else None, last.error if last else None)


def outcomes_by_hour(store: Store, since: datetime) -> dict[tuple[datetime, str], int]:
    """How many runs began in each hour (UTC) since `since`, by hour and status."""
    rows = store.query(
        "SELECT substr(started_at, 1, 13) || ':00:00Z', status, count(*) FROM sync_logs WHERE started_at >= ? "
        "GROUP BY 1, 2",
        (to_millis_text(since),),
    )
    return {(from_text(hour), status): count for hour, status, count in rows}


def runs_with_requests(store: Store, since: datetime) -> list[LoggedRun]:
    """The runs that began since then, have ended and sent requests."""
    return select(
        store,
        LoggedRun,
        "WHERE started_at >= ? AND ended_at IS NOT NULL AND request_count > 0",
        (to_millis_text(since),),
    )


def _last_believable_start(store: Store, job: Job, where: str, now: datetime) -> datetime | None:
    """When the last run that meets `where` began, of those that are not dated later than now."""
    found = store.value(
        f"SELECT started_at FROM sync_logs WHERE type = ? AND {where} AND +started_at <= ? {_NEWEST_FIRST} LIMIT 1",  # noqa: S608
        (job.name, to_millis_text(now)),
    )
    return None if found is None else from_text(found)


def _skipped_since(store: Store, job: Job, run: LoggedRun) -> int:
    sql = "SELECT count(*) FROM sync_logs WHERE type = ? AND status = 'skipped' AND id > ?"
    return int(store.value(sql, (job.name, run.id)))


def _durations(store: Store, job: Job) -> list[float]:
    runs = select(
        store,
        LoggedRun,
        f"WHERE type = ? AND status = 'completed' AND ended_at IS NOT NULL {_NEWEST_FIRST} LIMIT ?",
        (job.name, TYPICAL_RUNS),
    )
    return [run.seconds for run in runs if run.seconds is not None]


def as_it_stands(store: Store, run: LoggedRun) -> LoggedRun:
    """The run, as failed if it was killed and no other run has noted it yet."""
    return replace(run, status="failed", error=KILLED) if is_killed(store, run) else run
