"""The environment in which cron starts a job: short, and changed by the variable lines of the crontab."""

import os
import pwd
import re
from collections.abc import Mapping

# crontab(5): `name = value`, either of them in quotes, spaces around the equals sign, nothing expanded.
_VARIABLE = re.compile(r"""\s*(?P<quote>["']?)(?P<name>[^\s"'=#]+)(?P=quote)\s*=\s*(?P<value>.*?)\s*""")
_QUOTED = re.compile(r"""(["'])(.*)\1""")


def cron_environment(above: Mapping[str, str]) -> dict[str, str]:
    """What a job of this user finds in its environment, with the variables `above` its line.

    Without an entry in passwd, cron starts no jobs; HOME is then `/`, so that nothing is taken for granted.
    """
    try:
        user = pwd.getpwuid(os.geteuid())
        name, home = user.pw_name, user.pw_dir
    except KeyError:
        name, home = str(os.geteuid()), "/"
    bare = {"HOME": home, "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    return {**bare, **above, "LOGNAME": name, "USER": name}


def variables_in(lines: bytes) -> dict[str, str]:
    """The variables that these lines of a crontab set for the lines below them."""
    found = (_VARIABLE.fullmatch(line) for line in os.fsdecode(lines).splitlines())
    return {match["name"]: _QUOTED.sub(r"\2", match["value"]) for match in found if match}
