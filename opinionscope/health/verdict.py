"""What is wrong, in the few words that fit into one line: pure rules over what the log says of a job."""

import re
from datetime import datetime

from opinionscope.store.run_history import JobHistory
from opinionscope.text import one_line
from opinionscope.times import lasting

_LONGEST_CAUSE = 60
_HTTP_STATUS = re.compile(r"\bHTTP [1-5][0-9]{2}\b")
_SLOW_FACTOR = 3.0
_SLOW_SECONDS = 10.0


def summarize(history: JobHistory, now: datetime, *, overdue: bool) -> str | None:
    """`markets failing for 12 min (HTTP 503)`, `cleanup overdue`; None if nothing is wrong."""
    name, streak, begun = history.job.name, history.streak, history.begun
    if begun is None:
        return f"{name} never ran" if overdue else None
    if history.was_killed:
        return f"{name} was killed {lasting(begun.started_at, now)} ago"
    if streak.count and streak.since is not None:
        word = "partial" if streak.last_status == "partial" else "failing"
        cause = f" ({short_cause(streak.last_error)})" if streak.last_error else ""
        return f"{name} {word} for {lasting(streak.since, now)}{cause}"
    if overdue and begun.status == "running":
        return f"{name} running for {lasting(begun.started_at, now)}"
    return f"{name} overdue" if overdue else None


def short_cause(error: str) -> str:
    """The first of the causes in an error: its HTTP status if it has one, or its first words."""
    found = _HTTP_STATUS.search(error)
    return found[0] if found else one_line(error.split(";", maxsplit=1)[0].rstrip("."), _LONGEST_CAUSE)


def explain_slowness(history: JobHistory, typical: float | None) -> str | None:
    """Why the last completed run took far longer than usual; None if it did not."""
    run = history.completed
    if run is None or run.seconds is None or typical is None:
        return None
    if run.seconds < max(_SLOW_SECONDS, _SLOW_FACTOR * typical):
        return None
    why = f"{run.throttled_count:,} × 429" if run.throttled_count else f"{run.request_count:,} requests, no 429"
    return f"the last run took {run.seconds:.0f} s, typically {typical:.1f} s: {why}"
