"""Kernel file locks in files beside the database. The kernel releases them when a process dies, however it dies.

See https://man7.org/linux/man-pages/man2/flock.2.html.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opinionscope.errors import StoreError


def beside(database: Path, name: str) -> Path:
    """The companion file of a database, such as `opinionscope.db.markets.lock`."""
    return database.with_name(f"{database.name}.{name}")


def open_private(path: Path) -> int:
    """A file descriptor for reading and writing. A new file is readable only by its owner.

    Raises StoreError if the file cannot be used.
    """
    try:
        for folder in reversed([path.parent, *path.parent.parents]):
            folder.mkdir(mode=0o700, exist_ok=True)  # `parents=True` would ignore the mode for them
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        advice = "free some disk space" if error.errno == errno.ENOSPC else "check the folder and its permissions"
        raise StoreError(f"{path} cannot be used ({error.strerror}): {advice}.") from error


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Whether the lock was free. It is held until the block ends."""
    descriptor = open_private(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


@contextmanager
def wait_for_lock(path: Path) -> Iterator[None]:
    """Hold the lock for the block, after waiting for whoever has it now."""
    descriptor = open_private(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
