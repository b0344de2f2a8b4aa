"""Which env file and database a command uses: in this environment, or in another one, such as cron's.

Run as a process in that environment, because it is the environment that decides.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opinionscope.errors import OpinionscopeError
from opinionscope.locations import database_path, env_file

_SECONDS = 30
_THIS = "opinionscope.schedule.files_in_use"


@dataclass(frozen=True)
class FilesInUse:
    """The files of a command; `database` is None if its env file cannot be read."""

    env_file: Path | None
    database: Path | None


def files_here(option: Path | None = None) -> FilesInUse:
    """The files that a command uses in this process's environment. `option` is what `--db` names."""
    try:
        database = database_path(option)
    except OpinionscopeError:
        return FilesInUse(env_file(), None)
    return FilesInUse(env_file(), database)


def files_under(environment: Mapping[str, str]) -> FilesInUse:
    """The files that this installation uses in another environment; unknown ones if it cannot be started there."""
    home = environment.get("HOME", "")
    try:
        answer = subprocess.run(  # noqa: S603
            # -E and -P: neither PYTHONHOME nor a module in the current directory may keep this from an answer.
            [sys.executable, "-E", "-P", "-m", _THIS],
            env=dict(environment),
            cwd=home if os.path.isdir(home) else "/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return FilesInUse(None, None)
    named = json.loads(answer.stdout)
    return FilesInUse(*(None if named[key] is None else Path(named[key]) for key in ("env_file", "database")))


def main() -> None:
    """Write the files of this environment to standard output."""
    files = files_here()
    document = {"env_file": str(files.env_file), "database": files.database and str(files.database)}
    print(json.dumps(document))  # noqa: T201


if __name__ == "__main__":
    main()
