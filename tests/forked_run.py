"""Commands that are run by a fork of a process that has loaded the packages, as fast as hundreds of tests need them."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

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
        status = start_forked(words, environment, folder, streams).wait(timeout)
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(list(words), status, output.read(), errors.read())


def start_forked(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, streams: list[int]
) -> "ForkedProcess":
    """Start a command on three file descriptors, and leave it running."""
    reading, writing = os.pipe()
    request = json.dumps({"words": words, "environment": environment, "folder": str(folder)})
    _server().send(request.encode(), [*streams, writing])
    os.close(writing)
    return ForkedProcess(reading)


class ForkedProcess:
    """A command that is running, known by what the process that forked it reports."""

    def __init__(self, report: int) -> None:
        self._report = os.fdopen(report)
        self.pid = int(self._report.readline())

    def wait(self, timeout: float) -> int:
        """The exit status as `subprocess` has it. Raises TimeoutExpired, and kills the command, after `timeout` s."""
        with self._report:
            if not select.select([self._report], [], [], timeout)[0]:
                os.kill(self.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired("opinionscope", timeout)
            return int(self._report.readline())


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
