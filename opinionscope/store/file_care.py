"""The database as a file: who may read it, and by how many names it is reached."""

import os
import stat
from pathlib import Path

from opinionscope.errors import DatabaseMisconfigured

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
