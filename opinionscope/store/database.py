"""An open database: readable only by its owner, upgraded under a lock, written in short transactions."""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from opinionscope.errors import StoreError, ValueRefused
from opinionscope.locks import beside, open_private, wait_for_lock
from opinionscope.text import valid_text

if TYPE_CHECKING:
    from array import array

SCHEMA_VERSION = 7
BUSY_SECONDS = 15.0
_APPLICATION_ID = 0x4F70536B
_SMALLEST_FILE = 512
# 64 MiB. Trades are committed page by page and touch the same index pages again and again, which are cheaper to write
# back once. And while a cleanup fills the write-ahead log and writes it back, no other process should have to do it.
# See https://sqlite.org/wal.html#automatic_checkpoint.
_CHECKPOINT_PAGES = 16_000

logger = logging.getLogger(__name__)

Parameters = Sequence[Any] | Mapping[str, Any]
Transaction = sqlite3.Connection
"""The connection inside `Store.transaction`: everything written through it is committed together, or not at all."""


class Store:
    """A connection that threads may share: each transaction and each query has it to itself.

    Every method raises StoreError, which says what to do, when SQLite reports a failure, and ValueRefused when SQLite
    does not accept a value although the database works.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._turn = threading.RLock()
        self._times_locked = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """The database at `path`, created or upgraded if necessary."""
        if os.path.exists(path) and 0 < os.path.getsize(path) < _SMALLEST_FILE:
            # SQLite would treat such a short file as empty, and overwrite it.
            raise StoreError(f"{path} {_ADVICE[sqlite3.SQLITE_NOTADB]}.")
        if not os.path.exists(path):
            # Never for a file that exists: closing any descriptor of it would release the locks that another connection
            # of this process holds on it. See https://sqlite.org/howtocorrupt.html, section 2.2.
            os.close(open_private(path))
        with _explained(path):
            store = cls(path, _connect(path))
            try:
                _prepare(store._connection, path)
            except BaseException:
                store.close()
                raise
        return store

    @classmethod
    def open_existing(cls, path: Path) -> Self:
        """Like `open`, for commands that only read: a missing file is an error, not a new database."""
        with _explained(path):
            if not os.path.exists(path):
                raise StoreError(
                    f"{path} does not exist yet; run a sync job first, or choose another database with --db."
                )
            if os.access(path, os.W_OK):
                return cls.open(path)
            store = cls(path, _connect(path, read_only=True))
            if _version(store._connection, path) < SCHEMA_VERSION:
                store.close()
                raise StoreError(
                    f"{path} needs an upgrade, but you cannot write to it: run this as the user who owns it."
                )
        return store

    def close(self) -> None:
        """Close the connection; any later use raises StoreError."""
        with self._turn:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A write transaction: committed at the end of the block, rolled back on an error.

        It is immediate, because a deferred one that reads before it writes fails at once when another process writes
        (https://sqlite.org/lang_transaction.html). While another process holds the lock, threads wait for
        `BUSY_SECONDS` together, not one after the other.
        """
        times_locked = self._times_locked
        with self._turn, _explained(self.path):
            if times_locked != self._times_locked:
                raise StoreError(f"{self.path} {_ADVICE[sqlite3.SQLITE_BUSY]}.")
            try:
                began = time.monotonic()
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
                logger.debug("transaction committed in %.3f s", time.monotonic() - began)
            except BaseException as error:
                self._times_locked += _primary_code(error) == sqlite3.SQLITE_BUSY
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """In this block, wait this long for other writers, instead of `BUSY_SECONDS`."""
        self.pragma(f"busy_timeout = {int(seconds * 1000)}")
        try:
            yield
        finally:
            self.pragma(f"busy_timeout = {int(BUSY_SECONDS * 1000)}")

    def query(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """All rows of a SELECT."""
        with self._turn, _explained(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first column of the first row; None if there is no row."""
        with self._turn, _explained(self.path):
            row = self._connection.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    def integers(self, sql: str, parameters: Parameters = ()) -> "array[int]":
        """The first column of all rows, in 8 bytes each."""
        from array import array

        with self._turn, _explained(self.path):
            return array("q", (row[0] for row in self._connection.execute(sql, parameters)))

    def try_to_write(self) -> None:
        """Write something that changes nothing. Raises StoreError if the file cannot be written."""
        self.pragma(f"user_version = {SCHEMA_VERSION}")

    def pragma(self, statement: str) -> None:
        """Run a PRAGMA that is not allowed in a transaction, to its end.

        As a script, because `execute` would take only the first step of a PRAGMA that works step by step.
        """
        with self._turn, _explained(self.path):
            self._connection.executescript(f"PRAGMA {statement}")


class _Connection(sqlite3.Connection):
    """A connection that stores, and searches for, text that is not valid Unicode as the nearest that is."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        try:
            return super().execute(sql, parameters)
        except UnicodeEncodeError:
            return super().execute(sql, _valid(parameters))


def _valid(parameters: Parameters) -> Parameters:
    if isinstance(parameters, Mapping):
        return {name: valid_text(value) if isinstance(value, str) else value for name, value in parameters.items()}
    return [valid_text(value) if isinstance(value, str) else value for value in parameters]


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    uri = path.as_uri() + ("?mode=ro" if read_only else "")
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=_Connection,
    )
    connection.row_factory = sqlite3.Row
    # SQLite's own lower() knows ASCII alone.
    connection.create_function("casefold", 1, _casefold, deterministic=True)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return connection


def _casefold(text: str | None) -> str | None:
    return None if text is None else text.casefold()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection, path) == SCHEMA_VERSION:
        return
    with wait_for_lock(beside(path, "upgrade.lock")):
        if _version(connection, path) == SCHEMA_VERSION:
            return
        from opinionscope.store.migrations import upgrade

        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            upgrade(connection)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of the file. Raises StoreError if it is from a later release or another program."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {version}, but this opinionscope supports up to {SCHEMA_VERSION}: "
            "upgrade opinionscope."
        )
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != _APPLICATION_ID and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreError(f"{path} belongs to another program; choose another file with --db or OPINIONSCOPE_DB.")
    return version


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn a SQLite error into one of ours; a StoreError says what to do."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError) as error:
        raise ValueRefused(f"{path} does not take a value ({error}).") from error
    except sqlite3.Error as error:
        raise StoreError(_explain(error, path)) from error


_ADVICE = {
    sqlite3.SQLITE_BUSY: "is locked by another program; close it, and the next run will try again",
    sqlite3.SQLITE_FULL: "cannot grow: no space left on the disk; free some, and the next run will continue",
    sqlite3.SQLITE_READONLY: "cannot be written; check the owner and permissions of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder exists and that you can write to it",
    sqlite3.SQLITE_IOERR: "cannot be read or written because of a disk error; check the disk and its free space",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore a backup, or move the file away to start again",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database; choose another file with --db or OPINIONSCOPE_DB",
}


def _explain(error: sqlite3.Error, path: Path) -> str:
    return f"{path} {_ADVICE.get(_primary_code(error), 'cannot be used')} ({error})."


def _primary_code(error: BaseException) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
