"""Kernel file locks in files beside the database. The kernel releases them when a process dies, however it dies.

See https://man7.org/linux/man-pages/man2/flock.2.html.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from opinionscope.errors import StoreError

_MOMENT = 0.02


@cache
def boot_id() -> str:
    """What tells this start of the machine from all others; empty where the system has no such thing.

    See https://man7.org/linux/man-pages/man4/random.4.html.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


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


def lock(descriptor: int, path: Path, how: int = fcntl.LOCK_EX) -> bool:
    """Lock the open file; False if `how` says not to wait and another process has the lock.

    Raises StoreError if the file system has no locks, as some network file systems have none.
    """
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StoreError(
            f"{path} cannot be locked ({error.strerror}): keep the database on a disk of this machine."
        ) from error
    return True


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Whether the lock was free. It is held until the block ends."""
    descriptor = open_private(path)
    try:
        yield lock(descriptor, path, fcntl.LOCK_EX | fcntl.LOCK_NB) or _lock_again(descriptor, path)
    finally:
        os.close(descriptor)


def _lock_again(descriptor: int, path: Path) -> bool:
    """A second try, because `is_free` holds the lock for a moment."""
    time.sleep(_MOMENT)
    return lock(descriptor, path, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_free(path: Path) -> bool:
    """Whether no process holds this lock. Writes nothing; a lock that cannot be looked at counts as held."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        return lock(descriptor, path, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except StoreError:
        return False
    finally:
        os.close(descriptor)


@contextmanager
def wait_for_lock(path: Path) -> Iterator[None]:
    """Hold the lock for the block, after waiting for whoever has it now."""
    descriptor = open_private(path)
    try:
        lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)
