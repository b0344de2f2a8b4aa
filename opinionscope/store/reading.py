"""Looking at a database without leaving anything behind.

Even a connection that only reads makes the files `-wal` and `-shm` if they are not there: see
https://sqlite.org/wal.html#read_only_databases. Made by a user other than the owner, they would stop the owner's jobs.
"""

import os
from contextlib import suppress
from pathlib import Path

from opinionscope.errors import StoreError
from opinionscope.store.permissions import belongs_to_us


def reading_uri(path: Path) -> str:
    """The URI of a connection that only reads, and makes no file that the owner of the database could not use.

    Raises StoreError if that is not possible at this moment.
    """
    database = Path(os.path.realpath(path))
    uri = f"{database.as_uri()}?mode=ro"
    if belongs_to_us(database) and os.access(database.parent, os.W_OK):
        return uri
    log, index = (Path(f"{database}-{suffix}") for suffix in ("wal", "shm"))
    if log.exists() and index.exists():
        return f"{uri}&readonly_shm=1"
    if log.exists() and log.stat().st_size:
        raise StoreError(
            f"{path} has changes in its write-ahead log that only its owner can read: try again after the next run."
        )
    return f"{uri}&immutable=1"


def is_snapshot(uri: str) -> bool:
    """Whether a connection to this URI takes no notice of writers, so that what it reads must be confirmed."""
    return uri.endswith("&immutable=1")


def state_of(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file is written or replaced; None if it is missing."""
    try:
        file = path.stat()
    except FileNotFoundError:
        return None
    return file.st_ino, file.st_mtime_ns, file.st_size


def remove_stray_log(path: Path) -> None:
    """Remove the empty log that a reader has made because a job ended, and deleted its own, at the same moment."""
    log = Path(f"{os.path.realpath(path)}-wal")
    with suppress(FileNotFoundError):
        state = log.stat()
        if not belongs_to_us(path) and state.st_uid == os.geteuid() and not state.st_size:
            log.unlink()
