"""Machines that a test cannot have: what a command meets on them is put in place when its Python starts."""

from pathlib import Path

NO_LOCKS = """
import errno, fcntl, os

_flock = fcntl.flock

def flock(descriptor, how):
    name = os.readlink(f"/proc/self/fd/{descriptor if isinstance(descriptor, int) else descriptor.fileno()}")
    if name.endswith(os.environ["TEST_NO_LOCKS_ON"]) and how != fcntl.LOCK_UN:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    return _flock(descriptor, how)

fcntl.flock = flock
"""
"""A network file system without locks, for the files whose names end with TEST_NO_LOCKS_ON."""

NO_USER = """
import os, pwd

os.environ.pop("HOME", None)

def getpwuid(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")

pwd.getpwuid = getpwuid
"""
"""A user who is only a number."""

SILENT_NAME_SERVER = """
import socket, time

def getaddrinfo(*arguments, **options):
    time.sleep(600)
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

socket.getaddrinfo = getaddrinfo
"""
"""A name server that takes longer to fail than any test, as one that does not answer."""

IMPATIENT = """
from opinionscope.alerts import pings
from opinionscope.check import exchange
from opinionscope.jobs.markets import sync as markets
from opinionscope.jobs.whales import sync as whales
from opinionscope.notify import targets

markets.ANSWERS_STILL_COMING = whales.ANSWERS_STILL_COMING = 0.3
exchange._SECONDS = exchange._ANSWER_STILL_COMING = 0.3
targets.send.__defaults__ = (2.0,)
pings.SECONDS = 2.0
"""
"""An opinionscope with little patience with others, so that a test need not have more."""

SMALL_DEMO = """
from opinionscope.simulator import demo

demo.MARKETS, demo.TRADES_PER_WALLET = 20, 20
"""
"""A demonstration that takes a second to read: its exchange has a limit, as the real one."""


def machine(folder: Path, what: str, **settings: str) -> dict[str, str]:
    """The environment of a command on such a machine."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(what)
    return {"PYTHONPATH": str(folder), **settings}
