"""Kernel file locks in files beside the database. The kernel releases them when a process dies, however it dies.

See https://man7.org/linux/man-pages/man2/flock.2.html.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from opinionscope.errors import StoreError
from opinionscope.job_table import Job

PACER, IN_USE, UPGRADE, OUTAGE, DELIVERY, MERGE = COMPANIONS = (
    "pacer",
    "in-use.lock",
    "upgrade.lock",
    "outage",
    "delivery.lock",
    "merge.lock",
)
"""The names of the files beside a database, except the locks of the jobs."""


def lock_name(job: Job) -> str:
    """The name of the lock of a job."""
    return f"{job.name}.lock"


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
    """The companion file of a database, such as `opinionscope.db.markets.lock`.

    It stands beside the file itself, so that a database that is also reached through a symbolic link has one set.
    """
    return Path(f"{os.path.realpath(database)}.{name}")


def open_private(path: Path) -> int:
    """A file descriptor for reading and writing. A new file is readable only by its owner.

    Raises StoreError if the file cannot be used.
    """
    try:
        make_folders(path.parent)
        # A link could lead root to a file of somebody else's.
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
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


def make_folders(path: Path) -> None:
    """Make the folder and those above it that are missing, for their owner alone. Raises OSError."""
    for folder in reversed([path, *path.parents]):
        folder.mkdir(mode=0o700, exist_ok=True)  # `parents=True` would ignore the mode for them


def open_companion(path: Path) -> int:
    """The same for a file beside a database. What root creates there belongs to the owner of the database.

    Raises StoreError if the file cannot be used.
    """
    descriptor = open_private(path)
    give_to_owner(path, descriptor)
    return descriptor


def give_to_owner(path: Path, descriptor: int) -> None:
    """If root has just made the companion file `path`, give it to the owner of the database.

    Not one with content, which may be a file of root's that somebody has renamed.
    """
    if os.geteuid() != 0:
        return
    file = os.fstat(descriptor)
    owner = owner_of_companion(path)
    is_new = file.st_uid == 0 and file.st_nlink == 1 and not file.st_size
    if is_new and owner is not None and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def owner_of_companion(path: Path) -> os.stat_result | None:
    """The state of the database that a companion file stands beside; None if there is no database."""
    name = path.name
    while "." in name:
        name = name.rpartition(".")[0]
        with suppress(OSError):
            return os.stat(path.with_name(name))
    return None


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Whether the lock was free. It is held until the block ends."""
    descriptor = open_companion(path)
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
    descriptor = open_companion(path)
    try:
        lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def share_lock(path: Path) -> int:
    """Hold the lock together with others that share it, until the descriptor is closed."""
    descriptor = open_companion(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError):
            raise StoreError(
                f"{path} cannot be locked ({error.strerror}): keep the database on a disk of this machine."
            ) from error
        raise
    return descriptor
