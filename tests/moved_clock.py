"""Commands with a clock of their own: the machine's is right, and one process believes that it is another time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

# `utc_now` is left in place, because modules that are loaded have it by its name.
_SITE_CUSTOMIZE = """
import datetime, os
import opinionscope.times as times


class Moved(datetime.datetime):
    @classmethod
    def now(cls, zone):
        return datetime.datetime.now(zone) + datetime.timedelta(seconds=float(os.environ["TEST_CLOCK_AHEAD"]))


times.datetime = Moved
"""


def to_noon() -> timedelta:
    """How far it is to noon (UTC) of today, a moment at which no day begins and no daily job comes due."""
    now = datetime.now(UTC)
    return now.replace(hour=12, minute=0, second=0, microsecond=0) - now


def clock_ahead(folder: Path, ahead: timedelta) -> dict[str, str]:
    """The environment in which a command's clock is ahead (or behind, below zero)."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(_SITE_CUSTOMIZE)
    return {"PYTHONPATH": str(folder), "TEST_CLOCK_AHEAD": str(ahead.total_seconds())}
