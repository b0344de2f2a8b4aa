"""The checks of this machine: the database and the files beside it."""

import os
from pathlib import Path

from opinionscope.check.finding import Finding, failure, ok, warning
from opinionscope.errors import StoreError
from opinionscope.store.database import SCHEMA_VERSION, Store


def check_database(database: Path) -> Finding:
    """Whether the database is of this version and can be written."""
    if not database.exists():
        folder = next(parent for parent in database.parents if parent.exists())
        if os.access(folder, os.W_OK | os.X_OK):
            return warning("database", f"{database} does not exist yet: the first run creates it")
        return failure("database", f"{database} cannot be created: you cannot write to {folder}")
    try:
        with Store.open_existing(database) as store:
            store.try_to_write()
    except StoreError as error:
        return failure("database", str(error))
    return ok("database", f"{database} can be written, schema version {SCHEMA_VERSION}")


def check_files(database: Path) -> Finding:
    """Whether this user owns the database and the files beside it, which a job must be able to write."""
    files = sorted(database.parent.glob(f"{database.name}*")) if database.parent.exists() else []
    foreign = [file for file in files if file.stat().st_uid != os.geteuid()]
    if not foreign:
        return ok("files", "all database files belong to you" if files else "none yet")
    names = ", ".join(f"{file.name} belongs to {_owner(file)}" for file in foreign[:3])
    advice = f"in {database.parent}, {names}: run everything as one user, and `chown` the files to that user"
    usable = all(os.access(file, os.R_OK | os.W_OK) for file in foreign)
    return warning("files", advice) if usable else failure("files", advice)


def _owner(file: Path) -> str:
    try:
        return file.owner()
    except KeyError:
        return f"user {file.stat().st_uid}"
