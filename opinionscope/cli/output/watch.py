"""A screen that refreshes itself."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from time import sleep

from opinionscope.cli.output.terminal import write
from opinionscope.errors import UsageError

# See https://invisible-island.net/xterm/ctlseqs/ctlseqs.html for the sequences.
_OTHER_SCREEN, _OWN_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


class _Page(io.StringIO):
    """What is printed, as a terminal would get it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def watch(show: Callable[[], None], every: float) -> None:
    """Show the page every `every` seconds until Ctrl-C, or its top if it is too long.

    Raises UsageError where standard output is no terminal.
    """
    if not sys.stdout.isatty():
        raise UsageError("--watch needs a terminal; use --json to read the status from a program.")
    # Ctrl-C is how a page that refreshes itself is meant to end: the command succeeds.
    with suppress(KeyboardInterrupt), _other_screen():
        while True:
            page = _Page()
            with redirect_stdout(page):
                show()
            lines = page.getvalue().splitlines()[: os.get_terminal_size().lines - 1]
            write(_HOME + "".join(f"{line}{_REST_OF_LINE}\r\n" for line in lines) + _REST_OF_SCREEN)
            sleep(every)


@contextmanager
def _other_screen() -> Iterator[None]:
    """The terminal's second screen, which leaves no trace on the first."""
    write(_OTHER_SCREEN)
    try:
        yield
    finally:
        write(_OWN_SCREEN)
