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

from opinionscope.errors import StoreError
from opinionscope.locks import IN_USE, UPGRADE, beside, open_private, share_lock, wait_for_lock
from opinionscope.store.failures import ADVICE, explained, primary_code
from opinionscope.store.permissions import make_private
from opinionscope.store.reading import is_snapshot, reading_uri, remove_stray_log, state_of
from opinionscope.store.requirements import require_database, require_file, require_one_name, require_sqlite
from opinionscope.text import casefold, valid_text

if TYPE_CHECKING:
    from array import array

SCHEMA_VERSION = 17
BUSY_SECONDS = 15.0
_TRIES_TO_READ = 10
_PAUSE_TO_READ = 0.02
APPLICATION_ID = 0x4F70536B
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

    def __init__(self, path: Path, connection: sqlite3.Connection, in_use: int | None = None) -> None:
        self.path = path
        self._connection = connection
        self._in_use = in_use
        self._snapshot: tuple[int, int, int] | None = None
        self._turn = threading.RLock()
        self._times_locked = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """The database at `path` for writing, created or upgraded if necessary.

        In WAL mode, and readable only by its owner, even if it is a copy that was put there by other means.
        """
        require_sqlite()
        require_file(path)
        # A restore waits for nobody, and nobody opens the database while one replaces it.
        in_use = share_lock(beside(path, IN_USE))
        try:
            return cls._open(path, in_use)
        except BaseException:
            os.close(in_use)
            raise

    @classmethod
    def _open(cls, path: Path, in_use: int) -> Self:
        if os.path.exists(path) and 0 < os.path.getsize(path) < _SMALLEST_FILE:
            # SQLite would treat such a short file as empty, and overwrite it.
            raise StoreError(f"{path} {ADVICE[sqlite3.SQLITE_NOTADB]}.")
        if not os.path.exists(path):
            # Never for a file that exists: closing any descriptor of it would release the locks that another connection
            # of this process holds on it. See https://sqlite.org/howtocorrupt.html, section 2.2.
            os.close(open_private(Path(os.path.realpath(path))))
        require_one_name(path)
        with explained(path):
            store = cls(path, _connect(f"{path.as_uri()}?mode=rw"), in_use)
            try:
                _set_up_for_writing(store._connection)
                _prepare(store._connection, path)
                make_private(path)
            except BaseException:
                store._connection.close()
                raise
        return store

    @classmethod
    def open_existing(cls, path: Path) -> Self:
        """Like `open`, but a missing file is an error, not a new database."""
        require_database(path)
        return cls.open(path)

    @classmethod
    def open_to_read(cls, path: Path) -> Self:
        """An existing database, for commands that only look: nothing is written, and no file is left behind.

        Only what an older release has left is upgraded first, if it belongs to this user.
        """
        require_sqlite()
        require_database(path)
        with explained(path):
            store, version = cls._open_to_read(path)
            if version == SCHEMA_VERSION:
                return store
            store.close()
            if path.stat().st_uid != os.geteuid() or not os.access(path, os.W_OK):
                raise StoreError(f"{path} needs an upgrade: run this as the user who owns it, or after the next run.")
            cls.open(path).close()
            return cls._open_to_read(path)[0]

    @classmethod
    def _open_to_read(cls, path: Path, tries: int = _TRIES_TO_READ) -> tuple[Self, int]:
        """The database and its version."""
        uri = reading_uri(path)
        store = cls(path, _connect(uri))
        store._snapshot = state_of(path) if is_snapshot(uri) else None
        try:
            return store, read_version(store._connection, path)
        except BaseException as error:
            store.close()
            # A job that begins or ends at this moment makes or deletes the files that the URI depends on.
            if tries > 1 and primary_code(error) == sqlite3.SQLITE_CANTOPEN:
                time.sleep(_PAUSE_TO_READ)
                return cls._open_to_read(path, tries - 1)
            raise

    def close(self) -> None:
        """Close the connection; any later use raises StoreError."""
        with self._turn:
            self._connection.close()
            if self._in_use is None:
                remove_stray_log(self.path)
            else:
                os.close(self._in_use)
                self._in_use = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
        if self._snapshot and self._snapshot != state_of(self.path):
            raise StoreError(f"{self.path} was written while it was being read; run the command again.")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A write transaction: committed at the end of the block, rolled back on an error.

        It is immediate, because a deferred one that reads before it writes fails at once when another process writes
        (https://sqlite.org/lang_transaction.html). While another process holds the lock, threads wait for
        `BUSY_SECONDS` together, not one after the other.
        """
        times_locked = self._times_locked
        with self._turn, explained(self.path):
            if times_locked != self._times_locked:
                raise StoreError(f"{self.path} {ADVICE[sqlite3.SQLITE_BUSY]}.")
            try:
                began = time.monotonic()
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
                logger.debug("transaction committed in %.3f s", time.monotonic() - began)
            except BaseException as error:
                self._times_locked += primary_code(error) == sqlite3.SQLITE_BUSY
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """A read transaction: what is read in the block is of one moment. It takes no lock that a writer waits for."""
        with self._turn, explained(self.path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

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
        with self._turn, explained(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first column of the first row; None if there is no row."""
        with self._turn, explained(self.path):
            row = self._connection.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    def integers(self, sql: str, parameters: Parameters = ()) -> "array[int]":
        """The first column of all rows, in 8 bytes each."""
        from array import array

        with self._turn, explained(self.path):
            return array("q", (row[0] for row in self._connection.execute(sql, parameters)))

    def pragma(self, statement: str) -> None:
        """Run a PRAGMA that is not allowed in a transaction, to its end.

        As a script, because `execute` would take only the first step of a PRAGMA that works step by step.
        """
        with self._turn, explained(self.path):
            self._connection.executescript(f"PRAGMA {statement}")


@contextmanager
def savepoint(transaction: Transaction) -> Iterator[None]:
    """A part of a transaction: undone on an error, while the rest stands."""
    transaction.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        if transaction.in_transaction:
            transaction.execute("ROLLBACK TO part")
            transaction.execute("RELEASE part")
        raise
    transaction.execute("RELEASE part")


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


def _connect(uri: str) -> sqlite3.Connection:
    """A connection that has not read anything from the file yet, so that no trouble with it can come from here."""
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
    # SQLite's own lower() knows only ASCII (https://sqlite.org/lang_corefunc.html#lower).
    connection.create_function("casefold", 1, casefold, deterministic=True)
    return connection


def _set_up_for_writing(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if _is_ready(connection, path):
        return
    with wait_for_lock(beside(path, UPGRADE)):
        if _is_ready(connection, path):
            return
        if read_version(connection, path) == SCHEMA_VERSION:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        from opinionscope.store.migrations import upgrade

        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            upgrade(connection)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _is_ready(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether it is of this version, and in WAL mode: a copy made by VACUUM INTO is not."""
    return read_version(connection, path) == SCHEMA_VERSION and _journal_mode(connection) == "wal"


def _journal_mode(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def read_version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of the file. Raises StoreError if it is from a later release or another program."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {version}, but this opinionscope supports up to {SCHEMA_VERSION}: "
            "upgrade opinionscope."
        )
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreError(f"{path} belongs to another program; choose another file with --db or OPINIONSCOPE_DB.")
    return version
