"""Commands that are run by a fork of a process that has loaded the packages, as fast as hundreds of tests need them."""

import atexit
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.fork_server import NUMBER_WIDTH

_SERVER = Path(__file__).with_name("fork_server.py")
_READ_WHEN_USED = ("OPINION", "TEST_", "XDG_", "PYTHONPATH", "TMPDIR", "COLUMNS")


def can_be_forked(settings: Mapping[str, str]) -> bool:
    """Whether these variables are read when they are used, and none when an interpreter or a package is loaded."""
    return all(name.startswith(_READ_WHEN_USED) or name in {"HOME", "PATH"} for name in settings)


def run_forked(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: str | None, timeout: float
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, as `subprocess.run` does."""
    with TemporaryFile("w+") as given, TemporaryFile("r") as output, TemporaryFile("r") as errors:
        given.write(stdin or "")
        given.seek(0)
        streams = [stream.fileno() for stream in (given, output, errors)]
        with start_forked(words, environment, folder, streams) as process:
            try:
                status = process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(list(words), status, output.read(), errors.read())


def start_forked(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    streams: Sequence[int],
    user: int | None = None,
    group: int | None = None,
) -> "ForkedProcess":
    """Start a command on three file descriptors, as `subprocess.Popen` has them, and leave it running.

    Another user and group than one's own have no more rights than theirs, but may read anything.
    """
    stdin, stdout, stderr = streams
    return ForkedProcess(
        words,
        env=environment,
        cwd=folder,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
        user=user,
        group=group,
    )


class ForkedProcess(subprocess.Popen[str]):
    """A command that runs in a fork, to be handled as any process; its words come without those that start Python.

    It is no child of this process: what is known of its end is what the process that forked it reports.
    """

    module = "opinionscope"
    _report: int

    def _execute_child(self, words: list[str], *given: Any) -> None:
        """Take the place of the system calls that start a child."""
        folder, environment = given[4:6]
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = given[9:15]
        self._report, writing = os.pipe()
        group, _, user = given[16:19]
        request = {
            "module": self.module,
            "words": words,
            "environment": dict(environment),
            "folder": str(folder),
            "user": None if user is None else [user, group],
        }
        _server().send(json.dumps(request).encode(), [p2cread, c2pwrite, errwrite, writing])
        os.close(writing)
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]
        self.pid = int(os.read(self._report, NUMBER_WIDTH))
        self._child_created = True

    def _try_wait(self, flags: int) -> tuple[int, int]:
        """Take the place of `waitpid`."""
        if not select.select([self._report], [], [], 0 if flags else None)[0]:
            return 0, 0
        status = int(os.read(self._report, NUMBER_WIDTH))
        os.close(self._report)
        return self.pid, status

    def _internal_poll(self, **_: object) -> int | None:
        with self._waitpid_lock:  # type: ignore[attr-defined]
            if self.returncode is None and (status := self._try_wait(os.WNOHANG))[0]:
                self._handle_exitstatus(status[1])  # type: ignore[attr-defined]
        return self.returncode


class _Server:
    """The process that forks, for all tests of this one."""

    def __init__(self) -> None:
        self._requests, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # As bare as cron's, so that it has the encodings that a command has.
        bare = {"HOME": "/", "PATH": "/usr/bin:/bin"}
        self._process = subprocess.Popen(
            [sys.executable, str(_SERVER), str(other.fileno())],
            pass_fds=[other.fileno()],
            env=bare,
            stdin=subprocess.DEVNULL,
        )
        other.close()
        atexit.register(self.close)

    def send(self, request: bytes, descriptors: list[int]) -> None:
        socket.send_fds(self._requests, [request], descriptors)

    def close(self) -> None:
        self._requests.close()
        self._process.wait()


@cache
def _server() -> _Server:
    return _Server()
