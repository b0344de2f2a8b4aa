"""What must hold before a database is opened."""

import os
import sqlite3
import sys
from pathlib import Path

from opinionscope.errors import DatabaseMisconfigured, StoreError
from opinionscope.known_databases import is_missing, refuse_to_replace

_OLDEST_SQLITE = (3, 35, 0)
"""The first one with RETURNING: https://sqlite.org/lang_returning.html."""


def require_sqlite() -> None:
    """Raise DatabaseMisconfigured if Python was built with a SQLite that lacks what the jobs need."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        oldest = ".".join(map(str, _OLDEST_SQLITE[:2]))
        raise DatabaseMisconfigured(
            f"Python {sys.version.split()[0]} has SQLite {sqlite3.sqlite_version}, but opinionscope needs {oldest} or "
            "later: install opinionscope with a newer Python."
        )


def require_database(path: Path) -> None:
    """Raise StoreError if there is no database at `path`."""
    refuse_to_replace(path)
    if is_missing(path):
        raise StoreError(f"{path} does not exist yet; run a sync job first, or choose another database with --db.")
    require_file(path)


def require_file(path: Path) -> None:
    """Raise DatabaseMisconfigured if `path` is a folder."""
    if os.path.isdir(path):
        raise DatabaseMisconfigured(f"{path} is a folder; expected a file.")


def require_one_name(path: Path) -> None:
    """Raise DatabaseMisconfigured if the file has hard links: each name would have a write-ahead log of its own.

    See https://sqlite.org/howtocorrupt.html, section 2.5.
    """
    names = os.stat(path).st_nlink
    if names > 1:
        raise DatabaseMisconfigured(
            f"{path} is one of {names} hard links to the same file, which would damage it: delete the other names, or "
            "make a copy with `opinionscope backup`."
        )
