"""The checks of this machine: the database and the files beside it."""

import os
import pwd
from contextlib import suppress
from pathlib import Path

from opinionscope.check.finding import Finding, failure, ok, warning
from opinionscope.errors import OpinionscopeError
from opinionscope.job_table import JOBS
from opinionscope.known_databases import is_missing, require_place
from opinionscope.locks import COMPANIONS, beside, lock_name
from opinionscope.store.database import SCHEMA_VERSION, Store
from opinionscope.store.requirements import require_one_name, require_sqlite


def check_database(database: Path) -> Finding:
    """Whether the database is of this version, and a job of this user could write it. Writes nothing."""
    try:
        require_sqlite()
        if is_missing(database):
            return _judge_place(database)
        require_one_name(database)
        with Store.open_to_read(database):
            pass
    except (OpinionscopeError, OSError) as error:
        return failure("database", str(error))
    folder = Path(os.path.realpath(database)).parent
    if not (os.access(database, os.R_OK | os.W_OK) and os.access(folder, os.W_OK | os.X_OK)):
        return failure("database", f"{database} can be read, but you cannot write to it and its folder")
    return ok("database", f"{database} can be written, schema version {SCHEMA_VERSION}")


def _judge_place(database: Path) -> Finding:
    require_place(database)
    folder = next(parent for parent in Path(os.path.realpath(database)).parents if not is_missing(parent))
    if os.access(folder, os.W_OK | os.X_OK):
        return warning("database", f"{database} does not exist yet: the first run creates it")
    return failure("database", f"{database} cannot be created: you cannot write to {folder}")


def check_files(database: Path) -> Finding:
    """Whether this user owns the database and the files beside it, which a job must be able to write."""
    files = _files_of(database)
    foreign = {file: state for file, state in files.items() if state.st_uid != os.geteuid()}
    if not foreign:
        return ok("files", "all database files belong to you" if files else "none yet")
    names = ", ".join(f"{file.name} belongs to {_owner(state.st_uid)}" for file, state in list(foreign.items())[:3])
    folder = next(iter(foreign)).parent
    advice = f"in {folder}, {names}: run everything as one user, and `chown` the files to that user"
    usable = all(os.access(file, os.R_OK | os.W_OK) for file in foreign)
    return warning("files", advice) if usable else failure("files", advice)


def _files_of(database: Path) -> dict[Path, os.stat_result]:
    """The files that exist of those that SQLite and the jobs use; not backups, whatever stands beside them."""
    real = os.path.realpath(database)
    names = [real, *(f"{real}-{suffix}" for suffix in ("wal", "shm", "journal"))]
    names += [str(beside(database, name)) for name in (*COMPANIONS, *(lock_name(job) for job in JOBS))]
    found = {}
    for name in names:
        with suppress(FileNotFoundError, NotADirectoryError):
            found[Path(name)] = os.lstat(name)
    return found


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
