"""The checks of this machine: the database, the files beside it, the schedule and the last runs."""

import os
import pwd
import re
import subprocess
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from opinionscope.check.finding import Finding, failure, ok, warning
from opinionscope.errors import ConfigurationError, OpinionscopeError, StoreError
from opinionscope.job_table import JOBS
from opinionscope.known_databases import is_missing, require_place
from opinionscope.locks import COMPANIONS, beside, lock_name
from opinionscope.schedule.cron_lines import crontab_of_this_installation
from opinionscope.schedule.user_crontab import read_crontab
from opinionscope.store.database import SCHEMA_VERSION, Store
from opinionscope.store.requirements import require_one_name, require_sqlite
from opinionscope.store.run_history import read_history
from opinionscope.times import ago

_SECONDS = 30
_FIRST_LINE = re.compile(r"^(?:\S+ ){5}(?P<command>.+?) sync markets\b", re.MULTILINE)


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


def check_schedule(database: Path | None) -> Finding:
    """Whether the schedule is in the crontab, and its command starts in cron's bare environment."""
    try:
        installed = read_crontab().block
        wanted = crontab_of_this_installation(database)
    except ConfigurationError as error:
        return warning("schedule", str(error))
    except OpinionscopeError as error:
        return failure("schedule", str(error))
    if installed is None:
        return warning("schedule", "not in your crontab: run `opinionscope crontab install`")
    return _judge_block(installed.decode(errors="replace"), wanted)


def _judge_block(installed: str, wanted: str) -> Finding:
    renew = "run `opinionscope crontab install`"
    line = _FIRST_LINE.search(installed)
    if line is None:
        return failure("schedule", f"the block in your crontab is not ours: {renew}")
    problem = _problem_under_cron(line["command"].replace(r"\%", "%"))
    if problem:
        return failure("schedule", f"cron cannot run the command in your crontab ({problem}): {renew}")
    if installed != wanted:
        return warning("schedule", f"the block in your crontab works, but is not this installation's: {renew}")
    return ok("schedule", "in your crontab, and its command starts as cron would start it")


def _problem_under_cron(command: str) -> str | None:
    """What the command says when cron's shell starts it and it fails; None if it starts."""
    user = pwd.getpwuid(os.geteuid())
    bare = {"HOME": user.pw_dir, "LOGNAME": user.pw_name, "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    try:
        answer = subprocess.run(  # noqa: S603 - the user's own crontab
            ["/bin/sh", "-c", f"{command} --version"],
            env=bare,
            cwd=user.pw_dir,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if answer.returncode == 0:
        return None
    return answer.stderr.strip()[-200:] or f"exit status {answer.returncode}"


def check_last_runs(database: Path, now: datetime) -> Finding:
    """How the last run of each job went."""
    try:
        with Store.open_to_read(database) as store:
            histories = [read_history(store, job) for job in JOBS]
    except StoreError:
        return warning("last runs", "none: no job has run yet")
    words = [
        f"{each.job.name} {each.last.status} {ago(each.last.started_at, now)}"
        if each.last
        else f"{each.job.name} never"
        for each in histories
    ]
    text = ", ".join(words)
    if any(history.streak.count or history.last is None for history in histories):
        return warning("last runs", f"{text}: see `opinionscope status`")
    return ok("last runs", text)


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
