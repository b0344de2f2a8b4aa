"""Notes below a table: what its marks mean, and how many rows a limit left out."""

from collections.abc import Callable, Iterable
from textwrap import fill

from opinionscope.cli.output.formats import counted
from opinionscope.cli.output.terminal import console, write


def print_notes(notes: Iterable[str]) -> None:
    """Print the notes, each wrapped to the width of a terminal, after a blank line."""
    width = console().width
    text = "".join(f"{fill(note, width)}\n" for note in notes)
    if text:
        write(f"\n{text}")


def print_sentence(text: str) -> None:
    """Print a sentence in the place of a table, wrapped to the width of a terminal."""
    write(f"{fill(text, console().width)}\n")


def left_out(shown: int, limit: int, count_all: Callable[[], int], noun: str) -> list[str]:
    """A note of how many rows there are, if the limit left any out: `50 of 2,401 positions; …`."""
    total = count_all() if shown >= limit else shown
    return [f"{shown:,} of {counted(total, noun)}; use --limit to show more."] if total > shown else []
