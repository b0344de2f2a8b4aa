"""The schedule as lines of a crontab that Debian's cron, cronie and busybox's crond all understand.

They differ: only cronie has CRON_TZ, busybox's crond takes no variables, and each has its own PATH. So a line has
nothing but five fields, an absolute path and its arguments. See crontab(5) of Debian's cron and of cronie.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from opinionscope.errors import ConfigurationError
from opinionscope.job_table import JOBS, Job
from opinionscope.locations import DATABASE_VARIABLE, ENV_FILE_VARIABLE, database_path, env_file

BEGIN = "# BEGIN opinionscope"
END = "# END opinionscope"
_EXPLANATION = """\
# Each line names the command by its absolute path, because cron's PATH is short. A job that succeeds prints nothing,
# so cron sends no mail. The last line runs hourly, and purges at the first chance after 03:00 UTC of each day.
"""


def render_crontab(command: Sequence[str], *, env_file: Path | None = None, database: Path | None = None) -> str:
    """The block of all jobs between its marker lines. `env_file` and `database` are named in each line if given.

    Raises ConfigurationError if a path is not allowed in a crontab.
    """
    words = " ".join(quote(word) for word in command)
    before = "" if env_file is None else f"{ENV_FILE_VARIABLE}={quote(str(env_file))} "
    after = "" if database is None else f" --db {quote(str(database))}"
    lines = "".join(f"{job.schedule} {before}{words} {_command(job)}{after}\n" for job in JOBS)
    return f"{BEGIN}\n{_EXPLANATION}{lines}{END}\n"


def _command(job: Job) -> str:
    return f"{job.command} {job.cron_option}".rstrip()


def quote(word: str) -> str:
    """The word, quoted for the shell and for cron, which ends the command at a bare `%`.

    With backslashes, not quotation marks: inside those, busybox's crond would keep the `\\` of `\\%`.
    """
    if not word.isprintable():
        raise ConfigurationError(f"{word!r} is not allowed in a crontab: use a path without control characters.")
    return re.sub(r"([^\w@+=:,./-])", r"\\\1", word)


def installed_command() -> list[str]:
    """The words that start this installation: its script, or its Python if there is no script next to it."""
    python = Path(sys.executable).absolute()
    script = python.with_name("opinionscope")
    return [str(script)] if os.access(script, os.X_OK) else [str(python), "-m", "opinionscope"]


def crontab_of_this_installation(database: Path | None) -> str:
    """The block for this user. It names the files in use where cron's short environment would lead to others."""
    return render_crontab(
        installed_command(),
        env_file=env_file() if _set(ENV_FILE_VARIABLE, "XDG_CONFIG_HOME") and env_file().exists() else None,
        database=database_path(database) if database or _set(DATABASE_VARIABLE, "XDG_DATA_HOME") else None,
    )


def _set(*variables: str) -> bool:
    return any(os.environ.get(variable, "").strip() for variable in variables)
