"""Standard output: what it can show, how wide it is, and how text reaches it."""

import os
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_WIDER_THAN_ANYTHING = 10_000
_WIDE = 120


def write(text: str) -> None:
    """Print the text as it is. When the reader has gone, as `head` does, the command ends quietly."""
    try:
        sys.stdout.write(text.encode(encoding(), "replace").decode(encoding()))
        sys.stdout.flush()
    except BrokenPipeError:
        # Otherwise Python would try to flush the rest of the buffer at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def render(what: "RenderableType", at: "Console") -> None:
    """Print what rich renders, without trailing spaces."""
    with at.capture() as capture:
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
