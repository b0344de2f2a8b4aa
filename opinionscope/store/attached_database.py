"""Another database beside one that is written: its tables are `source.…` there, and it is only read."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opinionscope.errors import StoreError
from opinionscope.store.database import Store, Transaction
from opinionscope.store.failures import primary_code
from opinionscope.store.reading import is_snapshot, reading_uri, remove_stray_log, state_of

_IN_EITHER_FILE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR)
_CACHE_KIB = 64 * 1024


class AttachedDatabase:
    """The database at `path`, attached to `store` as `source`."""

    def __init__(self, store: Store, path: Path, state: tuple[int, int, int] | None) -> None:
        self._store = store
        self._path = path
        self._state = state

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A write transaction in which the attached database is read as it is at one moment.

        Its owner's jobs write on meanwhile. Raises StoreError, and writes nothing, if what was read cannot be believed.
        """
        with self._store.transaction() as transaction:
            try:
                yield transaction
            except sqlite3.Error as error:
                if primary_code(error) in _IN_EITHER_FILE:
                    raise StoreError(
                        f"{self._path} or {self._store.path} cannot be read ({error}): make a backup of each with "
                        "`opinionscope backup`, which tells which one is damaged."
                    ) from error
                raise
            if self._state is not None and self._state != state_of(self._path):
                raise StoreError(f"{self._path} was written while it was being read; the next merge reads it again.")


@contextmanager
def attached(store: Store, path: Path) -> Iterator[AttachedDatabase]:
    """Attach the database at `path` for the block, so that it is only read and nothing is left behind beside it.

    The caller has opened it before and found that it is one of ours, and of this version. Raises StoreError.
    """
    uri = reading_uri(path)
    state = state_of(path) if is_snapshot(uri) else None
    # The indexes grow at many places at once.
    store.pragma(f"main.cache_size = -{_CACHE_KIB}")
    store.query("ATTACH ? AS source", (uri,))
    try:
        yield AttachedDatabase(store, path, state)
    finally:
        store.query("DETACH source")
        remove_stray_log(path)
