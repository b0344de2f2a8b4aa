"""Which databases this user has used before, so that a job never takes a missing one for a new one.

A disk that is not mounted looks like a first start. The list is in the user's state folder, a path a line.
"""

import logging
import os
from pathlib import Path

from opinionscope.errors import ConfigurationError, DatabaseMisconfigured
from opinionscope.locations import DATABASE_VARIABLE, default_database

logger = logging.getLogger(__name__)


def remember(database: Path) -> None:
    """Note that the database exists, if it does."""
    path = list_of_databases()
    if not path.is_absolute() or not os.path.isfile(database) or is_known(database):
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(_line(database))
    except OSError as error:
        # A user with a read-only home folder still has a working database.
        logger.debug("%s cannot be remembered in %s: %s", database, path, error)


def is_known(database: Path) -> bool:
    """Whether the database has been used before."""
    try:
        with list_of_databases().open("rb") as file:
            return _line(database) in file
    except OSError:
        return False


def refuse_to_replace(database: Path) -> None:
    """Raise DatabaseMisconfigured if the database is missing although it has been used before."""
    if is_missing(database) and is_known(database):
        raise DatabaseMisconfigured(
            f"{database} is missing, although it has been used before: mount its disk, or restore a backup with "
            f"`opinionscope restore`. To start a new one, delete its line from {list_of_databases()}."
        )


def require_place(database: Path) -> None:
    """Raise DatabaseMisconfigured unless a job may use the database, or create it where it is to be.

    A job creates no folder but the default one: any other folder that is missing may be a disk that is not mounted.
    """
    if os.path.isdir(database):
        raise DatabaseMisconfigured(f"{database} is a folder; expected a file: correct {DATABASE_VARIABLE}.")
    refuse_to_replace(database)
    require_folder(database)


def require_folder(database: Path) -> None:
    """Raise DatabaseMisconfigured if the folder of the database is missing, unless it is the default one."""
    if is_missing(database) and is_missing(Path(os.path.realpath(database)).parent) and not _is_default(database):
        raise DatabaseMisconfigured(
            f"{database} is missing, and so is its folder: mount its disk, create the folder, or correct "
            f"{DATABASE_VARIABLE} or --db."
        )


def is_missing(path: Path) -> bool:
    """Whether it certainly does not exist; where that cannot be told, opening it says why."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def list_of_databases() -> Path:
    """The file with the list. It is relative if the user has no home folder, and must not be used then."""
    from platformdirs import user_state_path

    try:
        return user_state_path("opinionscope", appauthor=False) / "databases"
    except RuntimeError:
        return Path("databases")


def _is_default(database: Path) -> bool:
    try:
        return os.path.realpath(database) == os.path.realpath(default_database())
    except ConfigurationError:
        return False


def _line(database: Path) -> bytes:
    return os.fsencode(os.path.realpath(database)).replace(b"\n", b"\\n") + b"\n"
