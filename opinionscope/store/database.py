"""One open database: created private, upgraded under a lock, written in short transactions."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from opinionscope.errors import StoreError
from opinionscope.locks import beside, open_private, wait_for_lock

SCHEMA_VERSION = 5
BUSY_SECONDS = 15.0
_APPLICATION_ID = 0x4F70536B
_SMALLEST_FILE = 512
# 64 MiB: trades are committed page by page and touch the same index pages again and again, which is cheaper to write
# back to the file once. And while a cleanup fills the log and writes it back, nobody else should have to do it.
_CHECKPOINT_PAGES = 16_000

Parameters = Sequence[Any] | Mapping[str, Any]
Transaction = sqlite3.Connection
"""The connection inside `Store.transaction`: what is written through it is written together or not at all."""


class Store:
    """A connection that threads may share: each transaction and each query has it to itself.

    Every method raises StoreError, in words that say what to do, where SQLite reports a failure.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._turn = threading.RLock()
        self._times_locked = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """The database at `path`, made or upgraded if need be."""
        if os.path.exists(path) and 0 < os.path.getsize(path) < _SMALLEST_FILE:
            # SQLite would take so short a file for an empty one, and write over it.
            raise StoreError(f"{path} {_ADVICE[sqlite3.SQLITE_NOTADB]}.")
        if not os.path.exists(path):
            # Never on a file that is there: to close any descriptor of it would drop the locks that another
            # connection of this process holds on it.
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
        """Like `open`, for commands that only look: a file that is not there is an error, not a new database."""
        with _explained(path):
            if not os.path.exists(path):
                raise StoreError(f"There is no database at {path} yet: run a sync job first, or name one with --db.")
            if os.access(path, os.W_OK):
                return cls.open(path)
            store = cls(path, _connect(path, read_only=True))
            if _version(store._connection, path) < SCHEMA_VERSION:
                store.close()
                raise StoreError(f"{path} needs an upgrade and cannot be written: run this as the user who owns it.")
        return store

    def close(self) -> None:
        """Close the connection; a later use raises StoreError."""
        with self._turn:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A write transaction, from the first statement on: committed at the end of the block, undone by an error.

        It starts immediate, since a deferred one that reads before it writes fails at once beside another writer.
        Where that writer stays, each thread waits for `BUSY_SECONDS`, but not one after the other.
        """
        times_locked = self._times_locked
        with self._turn, _explained(self.path):
            if times_locked != self._times_locked:
                raise StoreError(f"{self.path} {_ADVICE[sqlite3.SQLITE_BUSY]}.")
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._times_locked += _primary_code(error) == sqlite3.SQLITE_BUSY
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """For the block, wait so long for others instead of `BUSY_SECONDS`."""
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

    def try_to_write(self) -> None:
        """Write something that changes nothing. Raises StoreError if the file cannot be written."""
        self.pragma(f"user_version = {SCHEMA_VERSION}")

    def pragma(self, statement: str) -> None:
        """Run a PRAGMA that must stand outside a transaction, to its end.

        As a script: of one that goes on step by step, `execute` would take the first step alone.
        """
        with self._turn, _explained(self.path):
            self._connection.executescript(f"PRAGMA {statement}")


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    uri = path.as_uri() + ("?mode=ro" if read_only else "")
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return connection


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
    """The schema version of the file. Raises StoreError for one of a later release or of another program."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} is of schema version {version}, this opinionscope knows {SCHEMA_VERSION}: upgrade opinionscope."
        )
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != _APPLICATION_ID and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreError(f"{path} is a database of another program: name another file with --db or OPINIONSCOPE_DB.")
    return version


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite reports into a StoreError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_explain(error, path)) from error


_ADVICE = {
    sqlite3.SQLITE_BUSY: "is locked by another program: close what has it open; the next run tries again",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full: free some space; the next run goes on where this one stopped",
    sqlite3.SQLITE_READONLY: "cannot be written: check the owner and the permissions of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that the folder exists and may be written",
    sqlite3.SQLITE_IOERR: "cannot be read or written, the disk reports an error: check the disk and its free space",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore a backup, or move the file away to start afresh",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database: name another file with --db or OPINIONSCOPE_DB",
}


def _explain(error: sqlite3.Error, path: Path) -> str:
    return f"{path} {_ADVICE.get(_primary_code(error), 'cannot be used')} ({error})."


def _primary_code(error: BaseException) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
