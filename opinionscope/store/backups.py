"""Backups of a database, and putting one back in its place.

A database in WAL mode is up to three files, so copying one of them is not a backup, and a log that stays beside another
database damages it: see https://sqlite.org/howtocorrupt.html, sections 1.2 to 1.4.
"""

import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from opinionscope.errors import StoreError, UsageError
from opinionscope.job_table import JOBS
from opinionscope.known_databases import require_folder
from opinionscope.locks import IN_USE, beside, lock_name, make_folders, try_lock
from opinionscope.store.database import APPLICATION_ID, BUSY_SECONDS, Store, read_version
from opinionscope.store.failures import explained
from opinionscope.store.reading import reading_uri
from opinionscope.store.requirements import require_database, require_sqlite

_LEFTOVERS = ("wal", "shm", "journal")
_HEADER_SIZE = 100
# Where SQLite's connections hold a read lock for as long as they are open: https://sqlite.org/src/file?name=src/os.h.
_SHARED_BYTES = (510, 0x40000000 + 2)


def back_up(database: Path, target: Path) -> None:
    """Copy the database to the file `target`, as it is at one moment, while jobs go on.

    The copy is written beside `target` and checked before it takes its place, so an earlier backup is either kept or
    replaced by a good one. Raises UsageError if `target` is something else than a backup, and StoreError.
    """
    require_sqlite()
    require_database(database)
    _require_backup_target(database, target)
    with _new_file_beside(target, "backup") as copy:
        _copy(database, reading_uri(database), copy)
        _require_sound(copy, database)
        _replace(copy, target)


def restore_backup(database: Path, backup: Path) -> None:
    """Make `backup` the database, in one step. The backup stays as it is.

    Nothing changes unless the backup is a sound database of this or an earlier release. Raises UsageError if it is not
    a file of its own, and StoreError if it is not sound, or anything has the database open.
    """
    require_sqlite()
    if not backup.is_file():
        raise UsageError(f"{backup} is not a file; expected a backup made by `opinionscope backup`.")
    if database.exists() and backup.samefile(database):
        raise UsageError(f"{backup} is the database itself; expected a backup of it.")
    if database.exists() and _application_of(database) not in (None, APPLICATION_ID):
        raise UsageError(f"{database} belongs to another program; choose another file with --db.")
    require_folder(database)
    real = Path(os.path.realpath(database))
    make_folders(real.parent)
    with _new_file_beside(real, "restore") as copy:
        _copy(backup, _uri_of_backup(backup), copy)
        _require_sound(copy, backup)
        with _nobody_else(database):
            _hand_over(copy, real)
            _finish_log(real)
            _replace(copy, real)
    # Upgrades it if an earlier release made it.
    Store.open(database).close()


def _require_backup_target(database: Path, target: Path) -> None:
    if target.is_dir() or not target.parent.is_dir():
        raise UsageError(f"{target} is not a file in a folder that exists; expected a path such as /backup/o.db.")
    if not target.exists():
        return
    if target.samefile(database):
        raise UsageError(f"{target} is the database itself; choose another file.")
    if not target.is_file() or (target.stat().st_size and _application_of(target) != APPLICATION_ID):
        raise UsageError(f"{target} exists and is not a backup; choose another file.")
    if any(beside(target, lock_name(job)).exists() for job in JOBS):
        raise UsageError(f"{target} is a database that jobs use; choose another file.")


def _application_of(path: Path) -> int | None:
    """The application id in the header of a SQLite file; None for any other file.

    See https://sqlite.org/fileformat2.html#the_database_header.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_SIZE)
    return int.from_bytes(header[68:72], "big") if header.startswith(b"SQLite format 3\0") else None


def _uri_of_backup(backup: Path) -> str:
    """A backup is written by nobody, so nothing needs to be left beside it; unless it was copied with its log."""
    log = Path(f"{backup}-wal")
    if log.exists() and log.stat().st_size:
        return reading_uri(backup)
    return f"{backup.as_uri()}?immutable=1"


@contextmanager
def _new_file_beside(path: Path, purpose: str) -> Iterator[Path]:
    """A new file for this user alone, in the folder of `path`; afterwards it is gone, unless it was renamed."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=f".{purpose}", dir=path.parent)
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be written ({error.strerror}): check its permissions.") from None
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        for leftover in (name, *(f"{name}-{suffix}" for suffix in _LEFTOVERS)):
            Path(leftover).unlink(missing_ok=True)


def _copy(source: Path, uri: str, target: Path) -> None:
    with (
        explained(source),
        closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as original,
        closing(sqlite3.connect(target)) as copy,
    ):
        # In a single step, which is one read transaction: a copy in steps begins again with every commit of a job.
        original.backup(copy)


def _require_sound(copy: Path, original: Path) -> None:
    """Raise StoreError, about `original`, unless the copy of it is a database of ours without a fault."""
    with explained(original), closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        if not read_version(connection, original):
            raise StoreError(f"{original} is not a database of opinionscope.")
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreError(f"{original} is damaged ({found}); nothing was changed.")
        # In WAL mode, as the jobs expect it, and without a log of its own.
        connection.execute("PRAGMA journal_mode = WAL")


@contextmanager
def _nobody_else(database: Path) -> Iterator[None]:
    """No job runs or begins, and no other program has the database open. Raises StoreError otherwise."""
    with ExitStack() as stack:
        for job in JOBS:
            if not stack.enter_context(try_lock(beside(database, lock_name(job)))):
                raise StoreError(f"`{job.command}` is running; try again when it has ended. Nothing was changed.")
        is_free = stack.enter_context(try_lock(beside(database, IN_USE)))
        if not is_free or (database.exists() and _is_open(database)):
            raise StoreError(f"{database} is open in another program; close it and try again. Nothing was changed.")
        yield


def _is_open(database: Path) -> bool:
    """Whether any process has a connection to the database. This process must have none."""
    try:
        with database.open("rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, *_SHARED_BYTES)
    except BlockingIOError:
        return True
    except OSError as error:
        raise StoreError(
            f"{database} cannot be replaced ({error.strerror}): check its owner and permissions."
        ) from None
    return False


def _hand_over(copy: Path, database: Path) -> None:
    """What root restores belongs to whom the database belonged, or else to the owner of the folder."""
    if os.geteuid() == 0:
        owner = (database if database.exists() else database.parent).stat()
        os.chown(copy, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _finish_log(database: Path) -> None:
    """Write the log of the database that is replaced into it, so that it is whole until the moment it is replaced."""
    if not database.exists():
        return
    # It may be damaged, which is why it is replaced.
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _replace(copy: Path, target: Path) -> None:
    """Put the copy in the place of `target`, whose log would damage it, and have both on the disk before returning."""
    _sync(copy)
    for suffix in _LEFTOVERS:
        Path(f"{target}-{suffix}").unlink(missing_ok=True)
    _sync(target.parent)
    copy.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
