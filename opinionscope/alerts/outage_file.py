"""A small file that remembers an outage of the database, because the database cannot."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

from opinionscope.known_databases import is_missing
from opinionscope.locks import OUTAGE, beside, give_to_owner, owner_of_companion
from opinionscope.store.alert_states import AlertState, from_texts
from opinionscope.store.run_history import Streak
from opinionscope.times import from_text, to_millis_text

_FILE_SIZE = 2048
_LONGEST_ERROR = 300


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
            streak = Streak(int(document["count"]), from_text(document["since"]), "failed", str(document["error"]))
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
    """The file, locked; None if it cannot be used or belongs to somebody else."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    give_to_owner(path, descriptor)
    if os.fstat(descriptor).st_uid not in _trusted_owners(path):
        os.close(descriptor)
        return None
    return OutageFile(path, descriptor)


def _trusted_owners(path: Path) -> set[int]:
    """This user; for root also the owner of the database, to whom root gives the file."""
    database = owner_of_companion(path) if os.geteuid() == 0 else None
    return {os.geteuid()} | ({database.st_uid} if database else set())
