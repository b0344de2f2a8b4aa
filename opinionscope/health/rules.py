"""Whether a job is healthy: pure rules over what the log says about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from opinionscope.health.verdict import explain_slowness, summarize
from opinionscope.records import Millis, Record
from opinionscope.store.run_history import JobHistory
from opinionscope.store.sync_logs import LoggedRun


@dataclass(frozen=True)
class JobHealth(Record):
    """The state of one job, under the names of `status --json`.

    The `last_…` fields describe the newest row, skipped or not; health is judged by the runs that were not skipped.
    `problem` says what to do, `summary` says the same in a few words, and `slow` why the last run took so long.
    """

    job: str
    last_status: str | None
    last_started_at: Millis | None
    last_success_at: Millis | None
    failures_in_a_row: int
    overdue: bool
    typical_seconds: float | None
    healthy: bool
    problem: str | None
    summary: str | None
    slow: str | None


def judge(history: JobHistory, now: datetime) -> JobHealth:
    """The health of a job at a moment. A killed run that no other run has noted yet counts as failed."""
    overdue = is_overdue(history, now)
    failures = history.streak.count + history.was_killed
    completed = history.completed
    last = history.last
    typical = round(median(history.seconds), 3) if history.seconds else None
    return JobHealth(
        job=history.job.name,
        last_status=_last_status(history),
        last_started_at=last.started_at if last else None,
        last_success_at=(completed.ended_at or completed.started_at) if completed else None,
        failures_in_a_row=failures,
        overdue=overdue,
        typical_seconds=typical,
        healthy=not (overdue or failures),
        problem=_describe_problem(history, overdue=overdue),
        summary=summarize(history, now, overdue=overdue),
        slow=explain_slowness(history, typical),
    )


def is_overdue(history: JobHistory, now: datetime) -> bool:
    """Whether the job has stayed away for longer than it may: since it last began, or the schedule was installed.

    A daily job counts from its last completed run: cron starts it every hour, and it acts once a day. One that has
    never run counts from the first use of the database. A date later than now is not believed.
    """
    last = history.completed_at if history.job.daily and history.completed_at else history.begun_at
    moments = [last]
    if history.schedule is not None:
        moments = [last or history.schedule.first_used_at, history.schedule.installed_at]
    believable = [moment for moment in moments if moment is not None and moment <= now]
    return not believable or now - max(believable) > history.job.patience


def _last_status(history: JobHistory) -> str | None:
    if history.last is None:
        return None
    killed_last = history.was_killed and history.last == history.begun
    return "failed" if killed_last else history.last.status


def _describe_problem(history: JobHistory, *, overdue: bool) -> str | None:
    if history.begun is None:
        return "has never run. Is the schedule installed? `opinionscope check` tells." if overdue else None
    if history.was_killed:
        begun = f"{history.begun.started_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"the run of {begun} was killed before it ended. See `opinionscope logs --type {history.job.name}`."
    if history.streak.count:
        streak = history.streak
        last = "the last run was partial" if streak.last_status == "partial" else "the last run failed"
        many = f"{streak.count} runs in a row failed or were partial, since {streak.since:%Y-%m-%d %H:%M} UTC"
        error = (streak.last_error or "no reason was recorded").rstrip(".")
        advice = f"See `opinionscope logs --failed --type {history.job.name}`."
        return f"{many if streak.count > 1 else last}: {error}. {advice}"
    if overdue and history.begun.status == "running":
        begun = f"{history.begun.started_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"has been running since {begun}, and {history.skipped} runs were skipped. Is it stuck?"
    if overdue:
        return "is overdue. Is cron running, and the schedule installed? `opinionscope check` tells."
    return None


def count_requests(
    runs: Sequence[LoggedRun],
    minutes: Mapping[datetime, int],
    count_of: Callable[[LoggedRun], int],
    now: datetime,
) -> tuple[int, int]:
    """How many requests (or 429s, by `count_of`) there were in the last 60 seconds and in the last hour.

    The runs that have ended give an estimate, each spread evenly over its time. The counts by minute, which include
    killed runs and those under way, bound it: the last 60 seconds had at least what this minute has, and at most that
    plus the minute before.
    """
    this_minute = now.replace(second=0, microsecond=0)
    # What is dated later than now was written when the clock was ahead.
    runs = [run for run in runs if run.started_at <= now]
    minutes = {minute: count for minute, count in minutes.items() if minute <= this_minute}
    at_least = minutes.get(this_minute, 0)
    at_most = at_least + minutes.get(this_minute - timedelta(minutes=1), 0)
    last_minute = _sent_since(now - timedelta(minutes=1), runs, count_of)
    last_hour = _sent_since(now - timedelta(hours=1), runs, count_of)
    return max(at_least, min(last_minute, at_most or last_minute)), max(sum(minutes.values()), last_hour)


def _sent_since(start: datetime, runs: Sequence[LoggedRun], count_of: Callable[[LoggedRun], int]) -> int:
    return round(sum(count_of(run) * _share_after(start, run) for run in runs))


def _share_after(start: datetime, run: LoggedRun) -> float:
    if run.started_at >= start:
        return 1.0
    if run.ended_at is None or run.ended_at <= run.started_at:
        return 0.0
    return max(timedelta(0), run.ended_at - start) / (run.ended_at - run.started_at)
