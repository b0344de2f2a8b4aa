"""The `sync_logs` table: a row for every run of a job, opened before its work and closed after it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from opinionscope.job_table import JOB_NAMES, Job
from opinionscope.records import Millis
from opinionscope.store.database import Store
from opinionscope.store.rows import StoredRow, count_filtered, select_filtered, select_first
from opinionscope.times import to_millis_text

RunStatus = Literal["running", "completed", "partial", "failed", "skipped", "interrupted"]
KILLED = "killed before it ended"


@dataclass(frozen=True)
class LoggedRun(StoredRow):
    """A run as the log has it. `error` is None if nothing failed.

    `ended_at` is None while it is running, and for a run that was killed: nobody knows when that was.
    """

    TABLE: ClassVar[str] = "sync_logs"

    id: int
    type: str
    status: RunStatus
    started_at: Millis
    ended_at: Millis | None
    item_count: int
    failed_count: int
    request_count: int
    throttled_count: int
    error: str | None

    @property
    def seconds(self) -> float | None:
        """How long the run took; None if it has no end."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its status, what it counted, and why it failed (None if it did not)."""

    status: RunStatus
    item_count: int = 0
    failed_count: int = 0
    request_count: int = 0
    throttled_count: int = 0
    error: str | None = None


_CONDITIONS = {
    "failed": "status IN ('failed', 'partial')",
    "job": "type = :job",
    "since": "started_at >= :since",
}


def open_run(store: Store, job: Job, now: datetime) -> int:
    """Write the row of a run that begins, and close those of earlier runs that were killed; the new row's id.

    Only the holder of the job's lock may call this: any other run that is still `running` is then known to be dead.
    """
    with store.transaction() as connection:
        connection.execute(
            "UPDATE sync_logs SET status = 'failed', error = ? WHERE type = ? AND status = 'running'",
            (KILLED, job.name),
        )
        return int(
            connection.execute(
                "INSERT INTO sync_logs (type, status, started_at) VALUES (?, 'running', ?) RETURNING id",
                (job.name, to_millis_text(now)),
            ).fetchone()[0]
        )


def close_run(store: Store, run_id: int, outcome: Outcome, now: datetime) -> None:
    """Write how the run ended."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE sync_logs SET status = ?, ended_at = ?, item_count = ?, failed_count = ?, request_count = ?, "
            "throttled_count = ?, error = ? WHERE id = ?",
            (
                outcome.status,
                to_millis_text(now),
                outcome.item_count,
                outcome.failed_count,
                outcome.request_count,
                outcome.throttled_count,
                outcome.error,
                run_id,
            ),
        )


def log_skipped(store: Store, job: Job, now: datetime) -> None:
    """Record a run that did nothing because the same job was still running."""
    _log_at_once(store, job, "skipped", "the previous run had not ended", now)


def log_failed(store: Store, job: Job, error: str, now: datetime) -> None:
    """Record a run that failed before it could take its lock."""
    _log_at_once(store, job, "failed", error, now)


def _log_at_once(store: Store, job: Job, status: RunStatus, error: str, now: datetime) -> None:
    moment = to_millis_text(now)
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO sync_logs (type, status, started_at, ended_at, error) VALUES (?, ?, ?, ?, ?)",
            (job.name, status, moment, moment, error),
        )


def find_last_completed(store: Store, job: Job) -> LoggedRun | None:
    """The completed run of a job that began last, by the order of the log: the clock may have been wrong."""
    return select_first(store, LoggedRun, "WHERE type = ? AND status = 'completed' ORDER BY id DESC", (job.name,))


def find_runs(
    store: Store,
    *,
    failed: bool | None = None,
    job: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
) -> Iterator[LoggedRun]:
    """Runs, in the reverse order of the log. `failed` keeps those that failed or were partial."""
    filters = _filters(failed, job, since)
    return select_filtered(store, LoggedRun, _CONDITIONS, filters, order="id DESC", limit=limit)


def count_runs(
    store: Store, *, failed: bool | None = None, job: str | None = None, since: datetime | None = None
) -> int:
    """How many runs `find_runs` finds without a limit."""
    return count_filtered(store, LoggedRun, _CONDITIONS, _filters(failed, job, since))


def _filters(failed: bool | None, job: str | None, since: datetime | None) -> dict[str, object]:
    return {"failed": failed or None, "job": job, "since": None if since is None else to_millis_text(since)}


def count_old_runs(store: Store, older_than: datetime) -> int:
    """How many rows `purge_runs` would delete."""
    return int(store.value(f"SELECT count(*) FROM sync_logs WHERE {_OLD}", _old_parameters(older_than)))  # noqa: S608


def purge_runs(store: Store, older_than: datetime, batch: int) -> int:
    """Delete at most `batch` rows of runs that began before `older_than`; how many were deleted."""
    with store.transaction() as connection:
        return connection.execute(
            f"DELETE FROM sync_logs WHERE id IN (SELECT id FROM sync_logs WHERE {_OLD} LIMIT ?)",  # noqa: S608
            (*_old_parameters(older_than), batch),
        ).rowcount


# The last completed run of each job is kept for ever: it says when the job last succeeded. Each is found at the end of
# its part of an index, because a purge asks for them at every step.
_OLD = f"""
    started_at < ? AND status <> 'running' AND id NOT IN (
        SELECT ifnull((
            SELECT id FROM sync_logs WHERE type = job AND status = 'completed' ORDER BY id DESC LIMIT 1), 0)
        FROM (SELECT column1 AS job FROM (VALUES {", ".join(["(?)"] * len(JOB_NAMES))})))
"""  # noqa: S608


def _old_parameters(older_than: datetime) -> Sequence[str]:
    return (to_millis_text(older_than), *JOB_NAMES)
