"""The space that the file takes and that deleted rows leave free in it."""

from opinionscope.store.database import Store

# In pages of 4 KiB.
_LONG_LOG = 4_000
_FEW_PAGES = 100
_PATIENCE = 0.05


def free_pages(store: Store) -> int:
    """Pages of the file that hold nothing."""
    return int(store.value("PRAGMA freelist_count"))


def give_back_pages(store: Store, pages: int) -> int:
    """Shorten the file by at most this many free pages; by how many. It shrinks on the disk with a later checkpoint."""
    before = free_pages(store)
    if before:
        store.pragma(f"incremental_vacuum({int(pages)})")
    return before - free_pages(store)


def stop_automatic_checkpoints(store: Store) -> None:
    """Leave it to `checkpoint` to write the log back: a commit of this connection takes no longer than its own pages.

    SQLite would do it at the end of one commit in so many, and it can take longer than all that was committed.
    """
    store.pragma("wal_autocheckpoint = 0")


def checkpoint(store: Store) -> int:
    """Write what is in the log back into the file, while others write; how many pages of it could not be.

    Whatever somebody who reads does not see yet stays in the log until he is done. A long log of which nothing is left
    to write back is begun anew: by itself that happens only where nobody has written in the meantime. Others wait then
    for `_PATIENCE` seconds at most.
    """
    _, in_log, written_back = store.query("PRAGMA wal_checkpoint(PASSIVE)")[0]
    left = int(in_log) - int(written_back)
    if in_log > _LONG_LOG and left < _FEW_PAGES:
        with store.patience(_PATIENCE):
            store.pragma("wal_checkpoint(RESTART)")
    return left


def file_bytes(store: Store) -> int:
    """The size of the database with what is waiting in its log."""
    wal = store.path.with_name(store.path.name + "-wal")
    return store.path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
