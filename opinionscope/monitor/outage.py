"""Alerts about the database itself, remembered in a small file, since the database is what fails."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from opinionscope.locks import beside
from opinionscope.monitor.alerts import Policy, Tell, advance
from opinionscope.store.alerts import AlertState, from_columns, to_columns
from opinionscope.store.health import Streak
from opinionscope.times import from_text, to_millis_text

REMIND_AFTER = timedelta(hours=6)
_FILE_SIZE = 2048
_LONGEST_ERROR = 300


@dataclass(frozen=True)
class Outage:
    """The runs of all jobs in a row that the database failed, and what was said of them."""

    streak: Streak = field(default_factory=Streak)
    state: AlertState | None = None


def places(database: Path) -> list[Path]:
    """Where the file may be: beside the database, in the folder for temporary files, or, on a full disk, in memory."""
    name = f"opinionscope-{os.geteuid()}-{sha256(bytes(database)).hexdigest()[:16]}.outage"
    temporary = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108
    return [beside(database, "outage"), temporary / name, Path("/dev/shm", name)]  # noqa: S108


def note_failure(database: Path, error: str, now: datetime, after: int, tell: Tell) -> None:
    """Count a run that the database failed, and tell when it is time.

    Where no place can be written nobody remembers the failures before this one: it counts as the first.
    """
    for place in places(database):
        with _opened(place, create=True) as file:
            if file is not None and _note_failure(file, error, now, after, tell):
                return
    streak = Streak(1, now, "failed", error)
    advance(None, streak, Policy(after), now, tell)


def note_success(database: Path, now: datetime, tell: Tell) -> None:
    """A run found the database well: tell that it has recovered, if somebody was told that it failed."""
    for place in places(database):
        if not place.exists():
            continue
        with _opened(place, create=False) as file:
            if file is None:
                continue
            state = advance(_read(file).state, Streak(), Policy(after=1), now, tell)
            if state is None:
                place.unlink(missing_ok=True)
            else:
                _write(file, Outage(state=state))


def _note_failure(file: int, error: str, now: datetime, after: int, tell: Tell) -> bool:
    known = _read(file)
    streak = Streak(known.streak.count + 1, known.streak.since or now, "failed", error[:_LONGEST_ERROR])
    # Written before anything is said: what cannot be remembered would be said each minute.
    if not _write(file, Outage(streak, known.state)):
        return False
    state = advance(known.state, streak, Policy(after, remind_after=REMIND_AFTER), now, tell)
    return _write(file, Outage(streak, state))


@contextmanager
def _opened(place: Path, *, create: bool) -> Iterator[int | None]:
    """The file, for one process at a time; None if it cannot be used or is somebody else's."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    try:
        file = os.open(place, flags, 0o600)
    except OSError:
        yield None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file if os.fstat(file).st_uid == os.geteuid() else None
    finally:
        os.close(file)


def _read(file: int) -> Outage:
    """What the file says; nothing, where it is new or torn."""
    try:
        document = json.loads(os.pread(file, _FILE_SIZE, 0))
        streak = Streak(int(document["count"]), from_text(document["since"]), "failed", str(document["error"]))
        state = from_columns(document["state"]) if document["state"] else None
    except (ValueError, TypeError, KeyError):
        return Outage()
    return Outage(streak, state)


def _write(file: int, outage: Outage) -> bool:
    """Whether it could be written. Always of one size, so that a file that is there can be written on a full disk."""
    streak, state = outage.streak, outage.state
    document = {
        "count": streak.count,
        "since": to_millis_text(streak.since) if streak.since else None,
        "error": streak.last_error,
        "state": to_columns(state) if state else None,
    }
    try:
        return os.pwrite(file, json.dumps(document).encode().ljust(_FILE_SIZE), 0) == _FILE_SIZE
    except OSError:
        return False
