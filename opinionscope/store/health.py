"""Questions about the log that must be answered at once, whatever it holds: each is a walk along an index."""

from dataclasses import dataclass
from datetime import datetime

from opinionscope.store.database import SCHEMA_VERSION, Row, Store
from opinionscope.times import from_text, to_millis_text

TYPICAL_RUNS = 20
_NEWEST_FIRST = "ORDER BY started_at DESC, id DESC LIMIT 1"


@dataclass(frozen=True)
class Streak:
    """Failed and partial runs since the last completed one. `since` is when the first of them began."""

    count: int = 0
    since: datetime | None = None
    last_status: str | None = None
    last_error: str | None = None


@dataclass(frozen=True)
class JobHistory:
    """What the log says of a job. `begun` is its last run that was not skipped; `seconds` are of its last runs."""

    job: str
    last: Row | None
    begun: Row | None
    completed: Row | None
    streak: Streak
    skipped: int
    seconds: list[float]


def read_history(store: Store, job: str) -> JobHistory:
    """All that the health of a job is judged by."""
    begun = _first(store, f"SELECT * FROM sync_logs WHERE type = ? AND status <> 'skipped' {_NEWEST_FIRST}", job)  # noqa: S608
    return JobHistory(
        job=job,
        last=_first(store, f"SELECT * FROM sync_logs WHERE type = ? {_NEWEST_FIRST}", job),  # noqa: S608
        begun=begun,
        completed=_last_completed(store, job),
        streak=read_streak(store, job),
        skipped=_skipped_since(store, job, begun["started_at"]) if begun else 0,
        seconds=_durations(store, job),
    )


def read_streak(store: Store, job: str) -> Streak:
    """The failures of a job in a row, up to now. Skipped runs and those under way count neither way."""
    completed = _last_completed(store, job)
    after = (completed["started_at"], completed["id"]) if completed else ("", 0)
    count, since = store.query(
        "SELECT count(*), min(started_at) FROM sync_logs "
        "WHERE type = ? AND status IN ('failed', 'partial') AND (started_at, id) > (?, ?)",
        (job, *after),
    )[0]
    if not count:
        return Streak()
    # The + keeps SQLite from sorting all failures ever: the newest is at the end of the index by type.
    last = _first(
        store,
        f"SELECT * FROM sync_logs WHERE type = ? AND +status IN ('failed', 'partial') {_NEWEST_FIRST}",  # noqa: S608
        job,
    )
    return Streak(count, from_text(since), last["status"] if last else None, last["error"] if last else None)


def outcomes_by_hour(store: Store, since: datetime) -> dict[tuple[datetime, str], int]:
    """How many runs began in each hour (UTC) from `since` on, by hour and status."""
    rows = store.query(
        "SELECT substr(started_at, 1, 13) || ':00:00Z', status, count(*) FROM sync_logs WHERE started_at >= ? "
        "GROUP BY 1, 2",
        (to_millis_text(since),),
    )
    return {(from_text(hour), status): count for hour, status, count in rows}


def runs_with_requests(store: Store, since: datetime) -> list[Row]:
    """The runs that began since then, have ended and sent requests."""
    return store.query(
        "SELECT started_at, ended_at, request_count, throttled_count FROM sync_logs "
        "WHERE started_at >= ? AND ended_at IS NOT NULL AND request_count > 0",
        (to_millis_text(since),),
    )


def minutes_since(store: Store, since: datetime) -> dict[datetime, tuple[int, int]]:
    """Requests and 429 answers by minute, as the last sync run has left them."""
    rows = store.query(
        "SELECT minute, requests, throttled FROM request_minutes WHERE minute >= ?", (to_millis_text(since),)
    )
    return {from_text(row["minute"]): (row["requests"], row["throttled"]) for row in rows}


def _last_completed(store: Store, job: str) -> Row | None:
    return _first(store, f"SELECT * FROM sync_logs WHERE type = ? AND status = 'completed' {_NEWEST_FIRST}", job)  # noqa: S608


def _skipped_since(store: Store, job: str, moment: str) -> int:
    sql = "SELECT count(*) FROM sync_logs WHERE type = ? AND status = 'skipped' AND started_at >= ?"
    return int(store.value(sql, (job, moment)))


def _durations(store: Store, job: str) -> list[float]:
    rows = store.query(
        "SELECT started_at, ended_at FROM sync_logs WHERE type = ? AND status = 'completed' AND ended_at IS NOT NULL "
        "ORDER BY started_at DESC LIMIT ?",
        (job, TYPICAL_RUNS),
    )
    return [(from_text(row["ended_at"]) - from_text(row["started_at"])).total_seconds() for row in rows]


def _first(store: Store, sql: str, job: str) -> Row | None:
    rows = store.query(sql, (job,))
    return rows[0] if rows else None


def try_to_write(store: Store) -> None:
    """Write something that changes nothing. Raises StoreError if the file cannot be written."""
    store.pragma(f"user_version = {SCHEMA_VERSION}")
