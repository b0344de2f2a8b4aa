"""The disk space of the database, and returning what deleted rows leave free.

See https://sqlite.org/pragma.html#pragma_incremental_vacuum and https://sqlite.org/wal.html.
"""

import os
from pathlib import Path

from opinionscope.store.database import Store

# In pages of 4 KiB.
_LONG_LOG = 4_000
_FEW_PAGES = 100
_PATIENCE = 0.05


def free_pages(store: Store) -> int:
    """How many pages of the file are unused."""
    return int(store.value("PRAGMA freelist_count"))


def give_back_pages(store: Store, pages: int) -> int:
    """Remove at most this many unused pages; how many were removed. The file shrinks with a later checkpoint."""
    before = free_pages(store)
    if before:
        store.pragma(f"incremental_vacuum({int(pages)})")
    return before - free_pages(store)


def stop_automatic_checkpoints(store: Store) -> None:
    """Leave checkpoints to `checkpoint`, so that a commit of this connection writes only its own pages.

    Otherwise SQLite would run one at the end of some commit, and it can take longer than everything committed.
    """
    store.pragma("wal_autocheckpoint = 0")


def checkpoint(store: Store) -> int:
    """Copy the write-ahead log into the database while others write; how many of its pages could not be copied.

    Pages newer than a reader's snapshot stay in the log until that reader is done. A long log with nothing left to copy
    is restarted, which SQLite does by itself only when nobody has written in the meantime; other processes wait at most
    `_PATIENCE` seconds for that.
    """
    _, in_log, written_back = store.query("PRAGMA wal_checkpoint(PASSIVE)")[0]
    left = int(in_log) - int(written_back)
    if in_log > _LONG_LOG and left < _FEW_PAGES:
        with store.patience(_PATIENCE):
            store.pragma("wal_checkpoint(RESTART)")
    return left


def file_bytes(store: Store) -> int:
    """The size of the database together with its write-ahead log."""
    log = Path(f"{os.path.realpath(store.path)}-wal")
    return store.path.stat().st_size + (log.stat().st_size if log.exists() else 0)
