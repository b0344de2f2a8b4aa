"""The checks that need no network: the database, the files beside it, and the schedule."""

import os
import pwd
import re
import subprocess
from pathlib import Path

from opinionscope.errors import ConfigurationError, OpinionscopeError, StoreError
from opinionscope.monitor.crontab import crontab_of_this_installation
from opinionscope.monitor.crontab_file import read_crontab
from opinionscope.monitor.findings import Finding, failure, ok, warning
from opinionscope.store.database import SCHEMA_VERSION, Store
from opinionscope.store.health import try_to_write

_SECONDS = 30
_FIRST_LINE = re.compile(r"^(?:\S+ ){5}(?P<command>.+?) sync markets\b", re.MULTILINE)


def check_database(database: Path) -> Finding:
    """Whether the database is of this version and can be written."""
    if not database.exists():
        folder = next(parent for parent in database.parents if parent.exists())
        if os.access(folder, os.W_OK | os.X_OK):
            return warning("database", f"{database} is not there yet: the first run makes it")
        return failure("database", f"{database} cannot be made: {folder} cannot be written by this user")
    try:
        with Store.open_existing(database) as store:
            try_to_write(store)
    except StoreError as error:
        return failure("database", str(error))
    return ok("database", f"{database} can be written, schema version {SCHEMA_VERSION}")


def check_files(database: Path) -> Finding:
    """Whether this user owns the database and the locks, logs and counts beside it, which a job must write."""
    files = sorted(database.parent.glob(f"{database.name}*")) if database.parent.exists() else []
    foreign = [file for file in files if file.stat().st_uid != os.geteuid()]
    if not foreign:
        return ok("files", f"{len(files)} files of the database, all of this user" if files else "none yet")
    names = ", ".join(f"{file.name} of {_owner(file)}" for file in foreign[:3])
    advice = f"{names} in {database.parent}: run everything as one user, and `chown` the files to it"
    usable = all(os.access(file, os.R_OK | os.W_OK) for file in foreign)
    return warning("files", advice) if usable else failure("files", advice)


def check_schedule(database: Path | None) -> Finding:
    """Whether the lines are in the crontab, and their command starts in cron's own bare environment."""
    try:
        installed = read_crontab().block
        wanted = crontab_of_this_installation(database)
    except ConfigurationError as error:
        return warning("schedule", str(error))
    except OpinionscopeError as error:
        return failure("schedule", str(error))
    if installed is None:
        return warning("schedule", "not in your crontab: `opinionscope crontab install` puts it there")
    return _judge_block(installed.decode(errors="replace"), wanted)


def _judge_block(installed: str, wanted: str) -> Finding:
    renew = "`opinionscope crontab install` renews it"
    line = _FIRST_LINE.search(installed)
    if line is None:
        return failure("schedule", f"what is between its markers in your crontab is not ours: {renew}")
    problem = _problem_under_cron(line["command"].replace(r"\%", "%"))
    if problem:
        return failure("schedule", f"cron cannot run what is in your crontab ({problem}): {renew}")
    if installed != wanted:
        return warning("schedule", f"what is in your crontab runs, and is not this installation's: {renew}")
    return ok("schedule", "in your crontab, and its command runs as cron runs it")


def _problem_under_cron(command: str) -> str | None:
    """What is said when cron's shell starts the command; None if it starts."""
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


def _owner(file: Path) -> str:
    try:
        return file.owner()
    except KeyError:
        return f"user {file.stat().st_uid}"
