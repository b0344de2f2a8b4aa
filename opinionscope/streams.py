"""The standard streams, whatever state they were handed over in. Imports little, because every run needs it."""

import os
import sys
from typing import TextIO


def open_closed_streams() -> None:
    """Put /dev/null in the place of each standard stream that is closed, as it is after `>&-`.

    Its number would otherwise go to the next file that is opened, such as the database, and Python prints errors on
    standard output when there is no standard error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # Gets the lowest free number, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            null = open(os.devnull, "w" if number else "r", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
            setattr(sys, name, null)


def forget_empty_size() -> None:
    """Drop a terminal size of 0 from the environment: it means that the size is unknown, and rich would obey it."""
    for variable in ("COLUMNS", "LINES"):
        if not os.environ.get(variable, "").strip(" 0"):
            os.environ.pop(variable, None)


def discard(stream: TextIO) -> None:
    """Send whatever is still buffered, and whatever follows, to /dev/null.

    Otherwise Python tries to write it again at exit, fails again, and exits with status 120.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
