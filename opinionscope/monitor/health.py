"""Whether a job is well: pure rules over what the log says of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from opinionscope.store.database import Row
from opinionscope.store.health import JobHistory
from opinionscope.times import from_text

PATIENCE = {
    "markets": timedelta(minutes=15),
    "whales": timedelta(minutes=5),
    "stats": timedelta(hours=2, minutes=15),
    "cleanup": timedelta(hours=26),
}
"""How long each job may stay away: its period (5 minutes, 1 minute, 1 hour, 1 day) and what a busy machine needs."""


@dataclass(frozen=True)
class JobHealth:
    """The state of one job, in the words of `status --json`. Times are those of the log.

    `last_…` speaks of the newest row, skipped or not; health is judged by the runs that were not skipped.
    """

    job: str
    last_status: str | None
    last_started_at: str | None
    last_success_at: str | None
    failures_in_a_row: int
    overdue: bool
    typical_seconds: float | None
    healthy: bool
    problem: str | None


def judge(history: JobHistory, now: datetime) -> JobHealth:
    """The health of a job at a moment. A job that has never run is overdue."""
    overdue = is_overdue(history, now)
    failures = history.streak.count
    return JobHealth(
        job=history.job,
        last_status=history.last["status"] if history.last else None,
        last_started_at=history.last["started_at"] if history.last else None,
        last_success_at=_end_of(history.completed),
        failures_in_a_row=failures,
        overdue=overdue,
        typical_seconds=round(median(history.seconds), 3) if history.seconds else None,
        healthy=not (overdue or failures),
        problem=_problem(history, overdue=overdue),
    )


def is_overdue(history: JobHistory, now: datetime) -> bool:
    """Whether the job has stayed away for longer than it may.

    Counted from its last start; for the cleanup, which is asked every hour and answers once a day, from the last one
    that completed.
    """
    last = history.begun
    if history.job == "cleanup" and history.completed:
        last = history.completed
    return last is None or now - from_text(last["started_at"]) > PATIENCE[history.job]


def _end_of(run: Row | None) -> str | None:
    return (run["ended_at"] or run["started_at"]) if run else None


def _problem(history: JobHistory, *, overdue: bool) -> str | None:
    if history.begun is None:
        return "has never run: is the schedule installed? `opinionscope check` looks."
    if history.streak.count:
        streak = history.streak
        last = "the last run was partial" if streak.last_status == "partial" else "the last run failed"
        many = f"{streak.count} runs in a row failed or were partial, since {streak.since:%Y-%m-%d %H:%M} UTC"
        error = (streak.last_error or "no reason was noted").rstrip(".")
        advice = f"`opinionscope logs --failed --type {history.job}` has the history."
        return f"{many if streak.count > 1 else last}: {error}. {advice}"
    if overdue and history.begun["status"] == "running":
        return f"has not ended since {history.begun['started_at']}; {history.skipped} runs were skipped: is it hung?"
    if overdue:
        return "is overdue: is cron running, and the schedule installed? `opinionscope check` looks."
    return None


def count_requests(runs: list[Row], minutes: dict[datetime, int], column: str, now: datetime) -> tuple[int, int]:
    """How many requests (or 429s, by `column`) the last 60 seconds and the last hour saw.

    The runs that have ended say it, each spread evenly over its time. The counts by minute, which killed runs and
    those under way are in too, bound it: the last 60 seconds had at least what this minute has, and at most that and
    what the one before had.
    """
    this_minute = now.replace(second=0, microsecond=0)
    at_least = minutes.get(this_minute, 0)
    at_most = at_least + minutes.get(this_minute - timedelta(minutes=1), 0)
    last_minute = _sent_since(now - timedelta(minutes=1), runs, column)
    last_hour = _sent_since(now - timedelta(hours=1), runs, column)
    return max(at_least, min(last_minute, at_most or last_minute)), max(sum(minutes.values()), last_hour)


def _sent_since(start: datetime, runs: list[Row], column: str) -> int:
    shares = [float(run[column]) * _share_after(start, run) for run in runs]
    return round(sum(shares))


def _share_after(start: datetime, run: Row) -> float:
    begun, ended = from_text(run["started_at"]), from_text(run["ended_at"])
    if begun >= start:
        return 1.0
    return max(timedelta(0), ended - start) / (ended - begun) if ended > begun else 0.0
