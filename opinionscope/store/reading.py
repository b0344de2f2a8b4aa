"""Looking at a database without leaving anything behind.

Even a connection that only reads makes the files `-wal` and `-shm` if they are not there: see
https://sqlite.org/wal.html#read_only_databases. Made by a user other than the owner, they would stop the owner's jobs.
"""

import os
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


def state_of(path: Path) -> tuple[int, int, int]:
    """What changes when the file is written or replaced."""
    file = path.stat()
    return file.st_ino, file.st_mtime_ns, file.st_size
