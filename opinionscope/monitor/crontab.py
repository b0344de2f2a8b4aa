"""The schedule as lines of a crontab that Debian's cron, cronie and busybox's crond all understand.

None of the three knows everything: only one has CRON_TZ, busybox's takes no variables, and each gives a job a PATH of
its own. So a line has nothing but five fields, an absolute path and its arguments.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from opinionscope.errors import ConfigurationError
from opinionscope.locations import DATABASE_VARIABLE, ENV_FILE_VARIABLE, database_path, env_file

BEGIN = "# BEGIN opinionscope"
END = "# END opinionscope"
# Off the minutes at which everybody polls, and the hourly jobs apart from each other.
SCHEDULE = (
    ("2-59/5 * * * *", "sync markets"),
    ("* * * * *", "sync whales"),
    ("7 * * * *", "stats"),
    ("23 * * * *", "cleanup --if-due"),
)
_EXPLANATION = """\
# Each line names the command by its absolute path, since cron's PATH is short. Nothing is printed, and so nothing is
# mailed, while all is well. The last line runs hourly and purges at the first chance after 03:00 UTC of each day.
"""


def render_crontab(command: Sequence[str], *, env_file: Path | None = None, database: Path | None = None) -> str:
    """The block of the four jobs between its marker lines. `env_file` and `database` are named in each line if given.

    Raises ConfigurationError if a path cannot stand in a crontab.
    """
    words = " ".join(quote(word) for word in command)
    before = "" if env_file is None else f"{ENV_FILE_VARIABLE}={quote(str(env_file))} "
    after = "" if database is None else f" --db {quote(str(database))}"
    lines = "".join(f"{when} {before}{words} {job}{after}\n" for when, job in SCHEDULE)
    return f"{BEGIN}\n{_EXPLANATION}{lines}{END}\n"


def quote(word: str) -> str:
    """The word for a shell, behind a cron that ends the command at a bare `%`.

    With backslashes and no quotation marks: inside those, busybox's crond would hand the `\\` of `\\%` on.
    """
    if not word.isprintable():
        raise ConfigurationError(f"{word!r} cannot stand in a crontab: use a path without control characters.")
    return re.sub(r"([^\w@+=:,./-])", r"\\\1", word)


def installed_command() -> list[str]:
    """The words that start this installation: its script, or its Python where there is no script beside that."""
    python = Path(sys.executable).absolute()
    script = python.with_name("opinionscope")
    return [str(script)] if os.access(script, os.X_OK) else [str(python), "-m", "opinionscope"]


def crontab_of_this_installation(database: Path | None) -> str:
    """The block for this user. Where cron's short environment would lead to other files, it names those in use."""
    return render_crontab(
        installed_command(),
        env_file=env_file() if _set(ENV_FILE_VARIABLE, "XDG_CONFIG_HOME") and env_file().exists() else None,
        database=database_path(database) if database or _set(DATABASE_VARIABLE, "XDG_DATA_HOME") else None,
    )


def _set(*variables: str) -> bool:
    return any(os.environ.get(variable, "").strip() for variable in variables)
