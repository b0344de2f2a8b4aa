"""Alerts about the database itself, remembered in a small file, since the database is what fails."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from opinionscope.errors import StoreError
from opinionscope.locks import beside, open_private
from opinionscope.monitor.alerts import Policy, Tell, advance
from opinionscope.store.alerts import AlertState, from_columns, to_columns
from opinionscope.store.health import Streak
from opinionscope.times import from_text, to_millis_text

REMIND_AFTER = timedelta(hours=6)
_FILE_SIZE = 2048
_LONGEST_ERROR = 500


@dataclass(frozen=True)
class Outage:
    """What the file holds: the failures of all jobs in a row, and what was said of them."""

    streak: Streak
    state: AlertState | None = None


def places(database: Path) -> list[Path]:
    """Where the file may be: beside the database, else in a temporary folder, else in memory, for a full disk."""
    name = f"opinionscope-{os.geteuid()}-{sha256(bytes(database)).hexdigest()[:16]}.outage"
    temporary = Path(os.environ.get("TMPDIR") or tempfile.gettempprefix() and "/tmp")  # noqa: S108
    return [beside(database, "outage"), temporary / name, Path("/dev/shm") / name]  # noqa: S108


def note_failure(database: Path, error: str, now: datetime, after: int, tell: Tell) -> Streak:
    """Count a run that the database failed, and say so when it is time; the failures up to now.

    Where no place can be written, nothing is known of the failures before this one.
    """
    for place in places(database):
        with _claimed(place) as file:
            if file is None:
                continue
            known = _read(file)
            before = known.streak if known else Streak()
            streak = Streak(before.count + 1, before.since or now, error[:_LONGEST_ERROR])
            state = known.state if known else None
            if not _write(file, Outage(streak, state)):
                continue
            state = advance(state, streak, Policy(after, remind_after=REMIND_AFTER), now, _with(streak, tell))
            _write(file, Outage(streak, state))
            return
