"""The schedule as lines of a crontab that Debian's cron, cronie and busybox's crond all understand.

They differ: only cronie has CRON_TZ, busybox's crond takes no variables, and each has its own PATH. So a line has
nothing but five fields, an absolute path and its arguments. See crontab(5) of Debian's cron and of cronie.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from opinionscope.errors import ConfigurationError
from opinionscope.job_table import JOBS
from opinionscope.locations import ENV_FILE_VARIABLE
from opinionscope.schedule.cron_environment import cron_environment
from opinionscope.schedule.files_in_use import files_here, files_under
from opinionscope.schedule.installation import installed_command

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
    lines = "".join(f"{job.schedule} {before}{words} {' '.join(job.words)}{after}\n" for job in JOBS)
    return f"{BEGIN}\n{_EXPLANATION}{lines}{END}\n"


def quote(word: str) -> str:
    """The word, quoted for the shell and for cron, which ends the command at a bare `%`.

    With backslashes, not quotation marks: inside those, busybox's crond would keep the `\\` of `\\%`.
    """
    if not word.isprintable():
        raise ConfigurationError(f"{word!r} is not allowed in a crontab; expected a path of printable UTF-8 text.")
    return re.sub(r"([^\w@+=:,./-])", r"\\\1", word)


def crontab_of_this_installation(database: Path | None, above: Mapping[str, str] | None = None) -> str:
    """The block for this user. It names the files in use here where cron's environment would lead to others.

    `above` are the variables that the crontab sets above the block.
    """
    cron = cron_environment(above or {})
    here, there = files_here(database), files_under(cron)
    named = None if here.env_file == there.env_file else here.env_file
    if named:
        there = files_under(cron | {ENV_FILE_VARIABLE: str(named)})
    differs = database is not None or here.database != there.database
    return render_crontab(installed_command(), env_file=named, database=here.database if differs else None)
