"""Text in lines of some width, broken between words."""

import re
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size

# A path, a URL or a name with hyphens can go on in the next line after one of these.
_BREAKS = re.compile(r"(?<=[/\\,;&?=_.-])")


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells.

    No word is broken in its middle: one that is wider than a line is broken after its punctuation, and what is still
    too wide is cut.
    """
    lines: list[str] = []
    for gap, part in _parts(text, width):
        if lines and cell_len(lines[-1]) + len(gap) + cell_len(part) <= width:
            lines[-1] += gap + part
        else:
            lines.append(part)
    return lines


def longest_word(text: str) -> int:
    """The width of the widest word."""
    return max(map(cell_len, text.split(" ")))


def _parts(text: str, width: int) -> Iterator[tuple[str, str]]:
    """What can stand on a line of its own, and what stands before it if it does not begin one."""
    for word in text.split(" "):
        gap = " "
        for part in [word] if cell_len(word) <= width else filter(None, _BREAKS.split(word)):
            yield gap, part if cell_len(part) <= width else f"{set_cell_size(part, width - 1).rstrip()}…"
            gap = ""
