"""The checks of this machine: the database, the files beside it and the schedule."""

import os
import pwd
import re
import subprocess
from pathlib import Path

from opinionscope.check.finding import Finding, failure, ok, warning
from opinionscope.errors import ConfigurationError, OpinionscopeError, StoreError
from opinionscope.schedule.cron_lines import crontab_of_this_installation
from opinionscope.schedule.user_crontab import read_crontab
from opinionscope.store.database import SCHEMA_VERSION, Store

_SECONDS = 30
_FIRST_LINE = re.compile(r"^(?:\S+ ){5}(?P<command>.+?) sync markets\b", re.MULTILINE)


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


def _owner(file: Path) -> str:
    try:
        return file.owner()
    except KeyError:
        return f"user {file.stat().st_uid}"
