"""What SQLite reports, as one line that says what to do about it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opinionscope.errors import StoreError, ValueRefused


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn a SQLite error into one of ours; a StoreError says what to do."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError) as error:
        raise ValueRefused(f"{path} does not take a value ({error}).") from error
    except sqlite3.Error as error:
        raise StoreError(_explain(error, path)) from error


ADVICE = {
    sqlite3.SQLITE_BUSY: "is locked by another program; close it, and the next run will try again",
    sqlite3.SQLITE_FULL: "cannot grow: no space left on the disk; free some, and the next run will continue",
    sqlite3.SQLITE_READONLY: "cannot be written; check the owner and permissions of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder exists and that you can write to it",
    sqlite3.SQLITE_IOERR: "cannot be read or written because of a disk error; check the disk and its free space",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore a backup with `opinionscope restore`, or delete it to begin again",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database; choose another file with --db or OPINIONSCOPE_DB",
}


def _explain(error: sqlite3.Error, path: Path) -> str:
    return f"{path} {ADVICE.get(primary_code(error), 'cannot be used')} ({error})."


def primary_code(error: BaseException) -> int:
    """SQLite's result code without its details (https://sqlite.org/rescode.html); 0 for other exceptions."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
