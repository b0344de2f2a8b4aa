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
    time.sleep(60)
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

socket.getaddrinfo = getaddrinfo
"""
"""A name server that takes a minute to fail, as one that does not answer."""


def machine(folder: Path, what: str, **settings: str) -> dict[str, str]:
    """The environment of a command on such a machine."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(what)
    return {"PYTHONPATH": str(folder), **settings}
