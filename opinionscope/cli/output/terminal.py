"""Standard output: what it can show, how wide it is, and how text reaches it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from opinionscope.errors import OpinionscopeError, ReaderLeft
from opinionscope.streams import discard
from opinionscope.text import one_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_WIDER_THAN_ANYTHING = 10_000
_WIDE = 120


def write(text: str) -> None:
    """Print the text as it is, at once.

    Raises ReaderLeft if the reader has gone, as `head` does, and OpinionscopeError if the text cannot be written.
    """
    with _explained():
        sys.stdout.write(text.encode(encoding(), "replace").decode(encoding()))
        sys.stdout.flush()


def warn(text: str) -> None:
    """Print one line on standard error, beside an output that goes on: safe for a terminal, whatever the text is."""
    with suppress(OSError):
        print(f"opinionscope: {one_line(text, len(text))}", file=sys.stderr, flush=True)  # noqa: T201


def output_failure(error: OSError) -> OpinionscopeError:
    """What it means that standard output took no more."""
    if isinstance(error, BrokenPipeError):
        return ReaderLeft("the reader of the output has gone")
    return OpinionscopeError(f"The output could not be written: {error.strerror}.")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        discard(sys.stdout)
        raise output_failure(error) from error


def render(what: "RenderableType", at: "Console") -> None:
    """Print what rich renders, without trailing spaces."""
    # Rich writes to the output even while it captures, if only nothing.
    with _explained(), at.capture() as capture:
        at.print(what, end="")
    write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def console() -> "Console":
    """A console as wide as the terminal; unlimited when the output is a file or a pipe. It never interprets markup."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDER_THAN_ANYTHING
    return Console(width=width, markup=False, emoji=False, highlight=False)


def is_wide() -> bool:
    """Whether there is room for what a narrow terminal leaves out, such as a whole wallet address."""
    return console().width >= _WIDE


def encoding() -> str:
    """The encoding of standard output."""
    return sys.stdout.encoding or "utf-8"


def can_show(text: str) -> bool:
    """Whether the output can show each of these characters: its encoding has them and the terminal is not `dumb`."""
    if os.environ.get("TERM") == "dumb":
        return False
    try:
        text.encode(encoding())
    except UnicodeEncodeError:
        return False
    return True
