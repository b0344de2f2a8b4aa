"""The space that the file takes and that deleted rows leave free in it."""

from opinionscope.store.database import Store


def free_pages(store: Store) -> int:
    """Pages of the file that hold nothing."""
    return int(store.value("PRAGMA freelist_count"))


def give_back_pages(store: Store, pages: int) -> None:
    """Shorten the file by at most this many free pages. It shrinks on the disk with the next checkpoint."""
    store.pragma(f"incremental_vacuum({int(pages)})")


def file_bytes(store: Store) -> int:
    """The size of the database with what is waiting in its log."""
    wal = store.path.with_name(store.path.name + "-wal")
    return store.path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
