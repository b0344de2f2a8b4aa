"""The words of alerts, and what must never be in them."""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from opinionscope.store.alerts import AlertState
from opinionscope.store.health import Streak

LONGEST_REASON = 500
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")


@dataclass(frozen=True)
class Message:
    """What is sent to each target."""

    title: str
    body: str


def job_failing(job: str, streak: Streak, now: datetime) -> Message:
    """A job has failed so often in a row, or for such a reason, that somebody should look."""
    runs = "the last run" if streak.count == 1 else f"{streak.count} runs in a row"
    return Message(
        f"opinionscope: {job} is failing",
        f"{job} on {socket.gethostname()}: {runs} failed or partial, {_since(streak.since or now, now)}.\n"
        f"Last error: {shortened(streak.last_error)}\n"
        f"What to do: `opinionscope logs --failed --type {job}` shows the history, `opinionscope check` looks for the "
        "cause. The next message about this job comes when it has recovered.",
    )


def job_recovered(job: str, state: AlertState, ended: datetime) -> Message:
    """A job that somebody was told of works again."""
    return Message(
        f"opinionscope: {job} has recovered",
        f"{job} on {socket.gethostname()} works again, after an outage of {_length(state.failing_since, ended)} "
        f"({state.failing_since:%Y-%m-%d %H:%M:%S} to {ended:%Y-%m-%d %H:%M:%S} UTC).",
    )


def database_failing(streak: Streak, now: datetime) -> Message:
    """The database cannot be used, so that no run can leave its row."""
    runs = "the last run" if streak.count == 1 else f"{streak.count} runs in a row"
    return Message(
        "opinionscope: the database fails",
        f"On {socket.gethostname()} {runs} could not use the database, {_since(streak.since or now, now)}.\n"
        f"Last error: {shortened(streak.last_error)}\n"
        "What to do: `opinionscope check` looks for the cause. While this lasts, a reminder comes every 6 hours.",
    )


def database_recovered(state: AlertState, ended: datetime) -> Message:
    """The database works again."""
    return Message(
        "opinionscope: the database works again",
        f"The outage on {socket.gethostname()} took {_length(state.failing_since, ended)} "
        f"({state.failing_since:%Y-%m-%d %H:%M:%S} to {ended:%Y-%m-%d %H:%M:%S} UTC).",
    )


def trial() -> Message:
    """What `alert test` sends."""
    return Message("opinionscope: test", f"This is a test from {socket.gethostname()}: alerts will arrive here.")


def without_secrets(message: Message, secrets: Iterable[str]) -> Message:
    """The message as it may leave this machine."""
    return Message(redacted(message.title, secrets), redacted(message.body, secrets))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets and without the user names and passwords of URLs."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return _LOGIN_IN_URL.sub("***@", text)


def shortened(reason: str | None) -> str:
    """What went wrong, in bounded length."""
    text = reason or "no reason was noted"
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"


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
