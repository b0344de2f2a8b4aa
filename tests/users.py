"""Commands run as other users, which only root can do."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import COMMAND, CommandLine

ANNA, BEN, GROUP = 64_101, 64_102, 64_100
Result = subprocess.CompletedProcess[str]


def as_user(user: int) -> list[str]:
    """The words that start a command as this user, who may read anything: Python may be in root's home folder."""
    capabilities = "-all,+dac_read_search"
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={GROUP}",
        "--clear-groups",
        f"--inh-caps={capabilities}",
        f"--ambient-caps={capabilities}",
    ]


def run_as(user: int, command: CommandLine, *words: str, **settings: str) -> Result:
    """Run a command as this user, whose HOME is a folder below that of `command`."""
    home = command.home / str(user)
    home.mkdir(exist_ok=True)
    os.chown(home, user, GROUP)
    return subprocess.run(
        [*as_user(user), *COMMAND, *words],
        env=command.environment | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"} | settings,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """A temporary folder that other users may enter. Skips the test where commands cannot run as other users."""
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can run commands as other users, with setpriv")
    if subprocess.run([*as_user(ANNA), *COMMAND, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("commands cannot run as other users here")
    folder = Path(tempfile.mkdtemp(prefix="opinionscope-users-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)
