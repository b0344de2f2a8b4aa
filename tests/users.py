"""Commands run as other users, which only root can do."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import COMMAND, CommandLine
from tests.forked_run import can_be_forked, start_forked
from tests.rounds import ROUNDS

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
    with start_as(user, command, *words, **settings) as process:
        try:
            stdout, stderr = process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Result(list(words), process.returncode, stdout, stderr)


def start_as(user: int, command: CommandLine, *words: str, **settings: str) -> "subprocess.Popen[str]":
    """Start a command as this user, and leave it running."""
    home = command.home / str(user)
    home.mkdir(exist_ok=True)
    os.chown(home, user, GROUP)
    environment = command.environment | {"HOME": str(home)} | settings
    if not ROUNDS and can_be_forked(command.settings | settings):
        streams = (subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE)
        return start_forked(words, environment, Path("/"), streams, user, GROUP)
    return subprocess.Popen(
        [*as_user(user), *COMMAND, *words],
        env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@cache
def _commands_run_as_others() -> bool:
    return not subprocess.run([*as_user(ANNA), *COMMAND, "--version"], capture_output=True, check=False).returncode


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """A temporary folder that other users may enter. Skips the test where commands cannot run as other users."""
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can run commands as other users, with setpriv")
    if not _commands_run_as_others():
        pytest.skip("commands cannot run as other users here")
    folder = Path(tempfile.mkdtemp(prefix="opinionscope-users-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)
