"""The text of alerts, and what must never be in it."""

import re
import socket
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from opinionscope.job_table import Job
from opinionscope.notify.message import Message
from opinionscope.store.alert_states import AlertState
from opinionscope.store.run_history import Streak
from opinionscope.text import valid_text

LONGEST_REASON = 500
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")


def job_failing(job: Job, streak: Streak, now: datetime) -> Message:
    """A job has failed so often in a row, or for such a reason, that somebody should look."""
    return Message(
        f"opinionscope: `{job.command}` is failing",
        f"`{job.command}` on {socket.gethostname()}: {_runs(streak)} failed or partial, "
        f"{_since(streak.since or now, now)}.\n"
        f"Last error: {shortened(streak.last_error)}\n"
        f"What to do: `opinionscope logs --failed --type {job.name}` shows the history, `opinionscope check` looks for "
        "the cause. The next message about this job comes when it has recovered.",
        "failure",
    )


def job_recovered(job: Job, state: AlertState, ended: datetime) -> Message:
    """A job whose failure was reported works again."""
    return Message(
        f"opinionscope: `{job.command}` has recovered",
        f"`{job.command}` on {socket.gethostname()} works again, after an outage of {_outage(state, ended)}.",
        "success",
    )


def database_failing(streak: Streak, now: datetime) -> Message:
    """The database cannot be used, so that no run can leave its row."""
    return Message(
        "opinionscope: the database cannot be used",
        f"On {socket.gethostname()}, {_runs(streak)} failed because of the database, "
        f"{_since(streak.since or now, now)}.\n"
        f"Last error: {shortened(streak.last_error)}\n"
        "What to do: `opinionscope check` looks for the cause. Until it is fixed, a reminder comes every 6 hours.",
        "failure",
    )


def database_recovered(state: AlertState, ended: datetime) -> Message:
    """The database works again."""
    return Message(
        "opinionscope: the database works again",
        f"The database on {socket.gethostname()} works again, after an outage of {_outage(state, ended)}.",
        "success",
    )


def test_message() -> Message:
    """What `alert test` sends."""
    return Message("opinionscope: test", f"This is a test from {socket.gethostname()}: alerts will arrive here.")


def without_secrets(message: Message, secrets: Iterable[str]) -> Message:
    """The message as it may leave this machine."""
    return replace(message, title=redacted(message.title, secrets), body=redacted(message.body, secrets))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Valid text without the secrets and without the user names and passwords of URLs."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return valid_text(_LOGIN_IN_URL.sub("***@", text))


def shortened(reason: str | None) -> str:
    """What went wrong, in bounded length."""
    text = reason or "no reason was recorded"
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"


def _runs(streak: Streak) -> str:
    return "the last run" if streak.count == 1 else f"{streak.count} runs in a row"


def _outage(state: AlertState, ended: datetime) -> str:
    start = f"{state.failing_since:%Y-%m-%d %H:%M:%S}"
    return f"{_length(state.failing_since, ended)} ({start} to {ended:%Y-%m-%d %H:%M:%S} UTC)"


def _since(since: datetime, now: datetime) -> str:
    return f"since {since:%Y-%m-%d %H:%M:%S} UTC ({_length(since, now)})"


def _length(start: datetime, end: datetime) -> str:
    """`2 d 3 h`, `47 min`, `12 s`: the two largest units."""
    rest = max(0, int((end - start).total_seconds()))
    parts = list[str]()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(parts[:2]) or "0 s"
