"""A small file that remembers an outage of the database, because the database cannot."""

import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

from opinionscope.errors import StoreError
from opinionscope.known_databases import is_missing
from opinionscope.locks import OUTAGE, beside, give_to_owner, lock, owner_of_companion
from opinionscope.store.alert_states import AlertState, from_texts
from opinionscope.store.run_history import Streak
from opinionscope.times import from_text, to_millis_text

_FILE_SIZE = 2048
_LONGEST_ERROR = 300
_LONGEST_WAIT_SECONDS = 15.0
_WAIT_SECONDS = 0.1


@dataclass(frozen=True)
class Outage:
    """The runs of all jobs in a row that failed because of the database, and what was said about them."""

    streak: Streak = field(default_factory=Streak)
    state: AlertState | None = None


def count_failure(outage: Outage, error: str, now: datetime) -> Outage:
    """The outage with one more failed run."""
    streak = outage.streak
    return Outage(Streak(streak.count + 1, streak.since or now, "failed", error[:_LONGEST_ERROR]), outage.state)


class OutageFile:
    """An open outage file, locked for this process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._descriptor)

    def read(self) -> Outage:
        """What the file says; an empty outage if it is new or torn."""
        try:
            document = json.loads(os.pread(self._descriptor, _FILE_SIZE, 0))
            since = from_text(document["since"]) if document["since"] else None
            streak = Streak(int(document["count"]), since, "failed", str(document["error"]))
            state = from_texts(document["state"]) if document["state"] else None
        except (ValueError, TypeError, KeyError):
            return Outage()
        return Outage(streak, state)

    def write(self, outage: Outage) -> bool:
        """Whether it could be written. The size is always the same, so that it can be rewritten on a full disk."""
        streak, state = outage.streak, outage.state
        document = {
            "count": streak.count,
            "since": to_millis_text(streak.since) if streak.since else None,
            "error": streak.last_error,
            "state": state.as_document() if state else None,
        }
        try:
            return os.pwrite(self._descriptor, json.dumps(document).encode().ljust(_FILE_SIZE), 0) == _FILE_SIZE
        except OSError:
            return False

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)


def candidate_paths(database: Path) -> list[Path]:
    """Where the file may be: beside the database, in the temporary folder or, if the disk is full, in memory."""
    name = f"opinionscope-{os.geteuid()}-{sha256(os.fsencode(os.path.realpath(database))).hexdigest()[:16]}.outage"
    temporary = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108
    return [beside(database, OUTAGE), temporary / name, Path("/dev/shm", name)]  # noqa: S108


@contextmanager
def writable_outage_file(database: Path) -> Iterator[OutageFile | None]:
    """The first file that can be written, created if need be; None if there is none."""
    # Where the database is missing, its folder may be the place of a disk that hides it later.
    for path in candidate_paths(database)[is_missing(database) :]:
        file = _open(path, create=True)
        if file is None:
            continue
        with file:
            if file.write(file.read()):
                yield file
                return
    yield None


def outage_files_of(database: Path) -> Iterator[OutageFile]:
    """The files that exist."""
    for path in candidate_paths(database):
        file = _open(path, create=False) if path.exists() else None
        if file is not None:
            yield file


def _open(path: Path, *, create: bool) -> OutageFile | None:
    """The file, locked; None if it cannot be used, or may be somebody else's.

    Its name can be guessed, and anybody may make files in a temporary folder. So whose it is comes before its lock.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | (os.O_CREAT if create else 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError:
        return None
    if _is_our_own(descriptor, path) and _is_locked_in_time(descriptor, path):
        give_to_owner(path, descriptor)
        return OutageFile(path, descriptor)
    os.close(descriptor)
    return None


def _is_our_own(descriptor: int, path: Path) -> bool:
    """Whether it is a regular file of a trusted owner, and not one with another name and content that was linked."""
    state = os.fstat(descriptor)
    return state.st_uid in _trusted_owners(path) and stat.S_ISREG(state.st_mode) and state.st_nlink == 1


def _trusted_owners(path: Path) -> set[int]:
    """This user; for root also the owner of the database, to whom root gives the file."""
    database = owner_of_companion(path) if os.geteuid() == 0 else None
    return {os.geteuid()} | ({database.st_uid} if database else set())


def _is_locked_in_time(descriptor: int, path: Path) -> bool:
    """Lock the file; False if it cannot be locked, or another process holds its lock for longer than sending takes."""
    end = time.monotonic() + _LONGEST_WAIT_SECONDS
    try:
        while not lock(descriptor, path, fcntl.LOCK_EX | fcntl.LOCK_NB):
            if time.monotonic() > end:
                return False
            time.sleep(_WAIT_SECONDS)
    except StoreError:
        # On a file system without locks, two runs at the same time may both send.
        return True
    return True
