"""A process that starts commands quickly: it has loaded the packages once and forks itself for each of them.

Started as a script. What it forks is a process of its own, with its own environment, working directory, and streams,
and runs `python -m opinionscope` in it; only the loading of the interpreter and the packages is left out.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import threading
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

PACKAGES = ("apprise", "backoff", "dotenv", "rich.progress", "rich.table", "sqlite_utils", "typer.testing")
NOT_LOADED_BEFOREHAND = ("opinionscope.dashboard", "opinionscope.__main__")
_REQUEST_SIZE = 1 << 20
NUMBER_WIDTH = 12

running: dict[int, int] = {}
"""The process of each command, and the file descriptor that waits for its exit status."""

own_status: list[int] = []
"""In the process of a command: the status with which it has chosen to exit."""


def load() -> None:
    """Import what commands import."""
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "true"
    for package in PACKAGES:
        importlib.import_module(package)
    for module in pkgutil.walk_packages(importlib.import_module("opinionscope").__path__, "opinionscope."):
        if not module.name.startswith(NOT_LOADED_BEFOREHAND):
            importlib.import_module(module.name)
    importlib.import_module("fork_as_user")  # it lies beside this script, as the next one does
    importlib.import_module("fresh_schema").install()
    if threading.active_count() > 1:
        raise RuntimeError("a package that was loaded has started a thread, which no fork would have")
    gc.collect()
    gc.freeze()


def tell(report: int, number: int) -> None:
    """Write the number of a process, or the status in which it has ended, in a width of its own."""
    os.write(report, f"{number:{NUMBER_WIDTH}}".encode())


def report_the_ended(_signal: int, _frame: FrameType | None) -> None:
    """Send the exit statuses of the commands that have ended."""
    while running:
        process, status = os.waitpid(-1, os.WNOHANG)
        if not process:
            return
        report = running.pop(process)
        tell(report, status)
        os.close(report)


def become(module: str, words: list[str], environment: dict[str, str], folder: str, user: list[int] | None) -> str:
    """Turn this process into one that was started with these words, by this user and group if not by our own.

    Returns the module that it was started for.
    """
    coerced = {name: os.environ[name] for name in ("LC_CTYPE",) if name in os.environ}
    os.environ.clear()
    os.environ.update(coerced | environment)
    os.chdir(folder)
    if user:
        importlib.import_module("fork_as_user").become_user(*user)
    paths = environment.get("PYTHONPATH")
    sys.path[:1] = [folder, *(paths.split(os.pathsep) if paths else [])]
    program = str(Path(sys.modules["opinionscope"].__path__[0]) / "__main__.py")
    sys.argv = [program, *words]
    sys.orig_argv = [sys.executable, "-m", module, *words]
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    if paths:
        with suppress(ModuleNotFoundError):
            importlib.import_module("sitecustomize")
    return module


def serve(requests: socket.socket) -> str | None:
    """Fork for each request until the tests end. In a process that is to run a command: the module that is to run."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, _REQUEST_SIZE, 4)
        if not message:
            return None
        *streams, report = descriptors
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        if process := os.fork():
            running[process] = report
            tell(report, process)
            for stream in streams:
                os.close(stream)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for descriptor in (*descriptors, *running.values()):
            os.close(descriptor)
        requests.close()
        return become(**json.loads(message))


def run(module: str) -> None:
    """Run the module as `python -m` does."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            own_status.append(ended.code or 0)
        raise


def leave_modules_alone() -> None:
    """Exit once all else has been done at exit: taking modules apart takes longer than many a command."""
    if own_status:
        with suppress(OSError, ValueError):  # the interpreter itself reports a stream that cannot be written
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(own_status[0])


if __name__ == "__main__":
    atexit.register(leave_modules_alone)  # the first to be registered is the last to be called
    load()
    signal.signal(signal.SIGCHLD, report_the_ended)
    if started := serve(socket.socket(fileno=int(sys.argv[1]))):
        run(started)
