"""Who owns the database, and who may read it."""

import os
import stat
from pathlib import Path

_FOR_OTHERS = stat.S_IRWXO


def make_private(path: Path) -> None:
    """Take a database that everybody may read, such as a copy made under the usual umask, back to its owner.

    Permissions for a group are left alone: that is how an owner lets a monitor read.
    """
    database = os.path.realpath(path)
    for name in (database, f"{database}-wal", f"{database}-shm"):
        try:
            file = os.stat(name)
        except FileNotFoundError:
            continue
        if file.st_mode & _FOR_OTHERS and file.st_uid == os.geteuid():
            os.chmod(name, 0o600)


def belongs_to_us(path: Path) -> bool:
    """Whether the file is this user's. Root counts, because what SQLite makes as root gets the database's owner."""
    return os.geteuid() in (0, path.stat().st_uid)
