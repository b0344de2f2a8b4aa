"""Questions about the sync log that are answered at once, however long it is: each one walks along an index."""

from dataclasses import dataclass
from datetime import datetime

from opinionscope.job_table import Job
from opinionscope.store.database import Store
from opinionscope.store.rows import select, select_first
from opinionscope.store.sync_logs import LoggedRun
from opinionscope.times import from_text, to_millis_text

TYPICAL_RUNS = 20
_NEWEST_FIRST = "ORDER BY started_at DESC, id DESC"


@dataclass(frozen=True)
class Streak:
    """Failed and partial runs since the last completed one. `since` is when the first of them began."""

    count: int = 0
    since: datetime | None = None
    last_status: str | None = None
    last_error: str | None = None


@dataclass(frozen=True)
class JobHistory:
    """What the log says about a job. `begun` is its last run that was not skipped; `seconds` are of its last runs."""

    job: Job
    last: LoggedRun | None
    begun: LoggedRun | None
    completed: LoggedRun | None
    streak: Streak
    skipped: int
    seconds: list[float]


def read_history(store: Store, job: Job) -> JobHistory:
    """Everything that the health of a job is judged by."""
    begun = select_first(store, LoggedRun, f"WHERE type = ? AND status <> 'skipped' {_NEWEST_FIRST}", (job.name,))
    return JobHistory(
        job=job,
        last=select_first(store, LoggedRun, f"WHERE type = ? {_NEWEST_FIRST}", (job.name,)),
        begun=begun,
        completed=_last_completed(store, job),
        streak=read_streak(store, job),
        skipped=_skipped_since(store, job, begun.started_at) if begun else 0,
        seconds=_durations(store, job),
    )


def read_streak(store: Store, job: Job) -> Streak:
    """The failures of a job in a row, up to now. Skipped runs and those under way count neither way."""
    completed = _last_completed(store, job)
    after = (to_millis_text(completed.started_at), completed.id) if completed else ("", 0)
    count, since = store.query(
        "SELECT count(*), min(started_at) FROM sync_logs "
        "WHERE type = ? AND status IN ('failed', 'partial') AND (started_at, id) > (?, ?)",
        (job.name, *after),
    )[0]
    if not count:
        return Streak()
    # The + keeps SQLite from sorting every failure on record: the newest is at the end of the index by type.
    last = select_first(
        store, LoggedRun, f"WHERE type = ? AND +status IN ('failed', 'partial') {_NEWEST_FIRST}", (job.name,)
    )
    return Streak(count, from_text(since), last.status if last else None, last.error if last else None)


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


def _last_completed(store: Store, job: Job) -> LoggedRun | None:
    return select_first(store, LoggedRun, f"WHERE type = ? AND status = 'completed' {_NEWEST_FIRST}", (job.name,))


def _skipped_since(store: Store, job: Job, moment: datetime) -> int:
    sql = "SELECT count(*) FROM sync_logs WHERE type = ? AND status = 'skipped' AND started_at >= ?"
    return int(store.value(sql, (job.name, to_millis_text(moment))))


def _durations(store: Store, job: Job) -> list[float]:
    runs = select(
        store,
        LoggedRun,
        "WHERE type = ? AND status = 'completed' AND ended_at IS NOT NULL ORDER BY started_at DESC LIMIT ?",
        (job.name, TYPICAL_RUNS),
    )
    return [run.seconds for run in runs if run.seconds is not None]
