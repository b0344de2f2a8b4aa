"""The sync log: a row for every run of a job, opened before its work and closed after it."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from opinionscope.store.database import Store
from opinionscope.store.filters import find_rows
from opinionscope.times import to_millis_text

JOBS = ("markets", "whales", "stats", "cleanup")
_CONDITIONS = {
    "failed": "status IN ('failed', 'partial')",
    "job": "type = :job",
    "since": "started_at >= :since",
}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its status, what it counted, and why it failed (None if it did not)."""

    status: str
    item_count: int = 0
    failed_count: int = 0
    request_count: int = 0
    throttled_count: int = 0
    error: str | None = None


def open_run(store: Store, job: str, now: datetime) -> int:
    """Write the row of a run that begins, and close those of earlier runs that were killed; the new row's id.

    Only the holder of the job's lock may call this: whatever else says `running` is then known to be dead.
    """
    with store.transaction() as connection:
        connection.execute(
            "UPDATE sync_logs SET status = 'failed', ended_at = ?, error = 'killed before it ended' "
            "WHERE type = ? AND status = 'running'",
            (to_millis_text(now), job),
        )
        return int(
            connection.execute(
                "INSERT INTO sync_logs (type, status, started_at) VALUES (?, 'running', ?) RETURNING id",
                (job, to_millis_text(now)),
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


def log_skipped(store: Store, job: str, now: datetime) -> None:
    """Note a run that did nothing because the same job was still running."""
    moment = to_millis_text(now)
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO sync_logs (type, status, started_at, ended_at, error) VALUES (?, 'skipped', ?, ?, ?)",
            (job, moment, moment, "the run before it had not ended"),
        )


def completed_since(store: Store, job: str, moment: datetime) -> bool:
    """Whether a run of the job has completed at `moment` or later."""
    sql = "SELECT 1 FROM sync_logs WHERE type = ? AND status = 'completed' AND ended_at >= ? LIMIT 1"
    return store.value(sql, (job, to_millis_text(moment))) is not None


def find_runs(
    store: Store, *, failed: bool = False, job: str | None = None, since: datetime | None = None, limit: int = 50
) -> list[sqlite3.Row]:
    """Runs, newest first. `failed` keeps those that failed or were partial."""
    asked = {"failed": failed or None, "job": job, "since": None if since is None else to_millis_text(since)}
    return find_rows(store, "sync_logs", _CONDITIONS, asked, order="started_at DESC, id DESC", limit=limit)


def count_old_runs(store: Store, older_than: datetime) -> int:
    """How many rows `purge_runs` would take."""
    return int(store.value(f"SELECT count(*) FROM sync_logs WHERE {_OLD}", (to_millis_text(older_than),)))  # noqa: S608


def purge_runs(store: Store, older_than: datetime, batch: int) -> int:
    """Delete at most `batch` rows of runs that began before `older_than`; how many went."""
    with store.transaction() as connection:
        return connection.execute(
            f"DELETE FROM sync_logs WHERE id IN (SELECT id FROM sync_logs WHERE {_OLD} LIMIT ?)",  # noqa: S608
            (to_millis_text(older_than), batch),
        ).rowcount


# The last completed run of each job stays for ever: it is what says when the job last succeeded. Each is looked up at
# the end of its part of an index, since a purge asks for them at every step.
_OLD = """
    started_at < ? AND status <> 'running' AND id NOT IN (
        SELECT ifnull((
            SELECT id FROM sync_logs WHERE type = job AND status = 'completed' ORDER BY started_at DESC LIMIT 1), 0)
        FROM (SELECT column1 AS job FROM (VALUES ('markets'), ('whales'), ('stats'), ('cleanup'))))
"""


def record_requests(store: Store, minutes: dict[datetime, tuple[int, int]]) -> None:
    """Store the requests sent and the 429 answers had in each minute (counted by all processes together)."""
    with store.transaction() as connection:
        connection.executemany(
            "INSERT INTO request_minutes (minute, requests, throttled) VALUES (?, ?, ?) ON CONFLICT (minute) DO UPDATE "
            "SET requests = max(requests, excluded.requests), throttled = max(throttled, excluded.throttled)",
            [(to_millis_text(minute), *counts) for minute, counts in minutes.items()],
        )


def purge_requests(store: Store, older_than: datetime, batch: int) -> int:
    """Delete at most `batch` of the request counts before `older_than`; how many went."""
    with store.transaction() as connection:
        return connection.execute(
            "DELETE FROM request_minutes WHERE minute IN (SELECT minute FROM request_minutes WHERE minute < ? LIMIT ?)",
            (to_millis_text(older_than), batch),
        ).rowcount
