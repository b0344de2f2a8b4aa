"""Times as text: ISO 8601 in UTC with a trailing Z, so that text order is time order."""

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from opinionscope.errors import UsageError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def to_seconds_text(moment: datetime) -> str:
    """`2026-01-31T09:05:07Z`: the format of trade and market times."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def to_millis_text(moment: datetime) -> str:
    """`2026-01-31T09:05:07.123Z`: the format of log times."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@lru_cache(maxsize=1024)
def from_unix(seconds: int) -> str:
    """A unix time as text, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def from_text(text: str) -> datetime:
    """The time that a stored text stands for. Raises ValueError if it is not an ISO time."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_duration(text: str) -> timedelta:
    """The length of time meant by `90s`, `15m`, `24h` or `7d`. Raises UsageError for anything else."""
    match = re.fullmatch(r"(\d{1,7})([smhd])", text.strip(), re.ASCII)
    if not match:
        raise UsageError(f"{text[:80]!r} is not a valid duration; expected 90s, 15m, 24h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_since(text: str, now: datetime) -> datetime:
    """The time meant by `90s`, `15m`, `24h`, `7d` (before `now`) or by an ISO time, UTC unless it says otherwise.

    Raises UsageError for anything else.
    """
    try:
        span = _span(text)
        return from_text(text.strip()) if span is None else now - span
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is not a valid time; expected 90s, 15m, 24h, 7d or 2026-01-31T09:05:07Z.") from None


def parse_until(text: str, now: datetime) -> datetime:
    """The time that is `90s`, `15m`, `48h` or `7d` after `now`. Raises UsageError for anything else."""
    wrong = UsageError(f"{text!r} is not a valid duration; expected 90s, 15m, 48h or 7d.")
    try:
        span = _span(text)
        if span is None:
            raise wrong
        return now + span
    except OverflowError:
        raise wrong from None


def _span(text: str) -> timedelta | None:
    """The duration that is written as a number with a unit; None for anything else."""
    match = re.fullmatch(r"(\d{1,9})([smhd])", text.strip(), re.ASCII)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def ago(moment: datetime, now: datetime) -> str:
    """How long before `now` something was, in its largest unit: `4 min ago`."""
    return "in the future" if now - moment <= timedelta(seconds=-1) else f"{lasting(moment, now)} ago"


def lasting(since: datetime, now: datetime) -> str:
    """How long something has lasted, in its largest unit: `4 min`."""
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
