"""Tables that fit the terminal, and lists of facts."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from opinionscope.cli.output.blocks import blocks_of
from opinionscope.cli.output.columns import GAP, LONGEST_WRAPPED, NOTHING, Column
from opinionscope.cli.output.layout import fitting, heading_of, lines_of, measured, widths_of
from opinionscope.cli.output.links import link_to
from opinionscope.cli.output.notes import print_sentence
from opinionscope.cli.output.terminal import console, render, write
from opinionscope.text import one_line

Fact = tuple[str, str | None] | tuple[str, str | None, str]
"""A name, a value (None if nothing is known), and the value's rich style."""

_BLOCK = 1_000
"""How many rows are measured, laid out and printed at once."""


class Table:
    """A table that is printed while its rows arrive, cut to the width of a terminal and in full elsewhere.

    What later rows need widens the columns; if they need other columns, they get a heading of their own.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._before: dict[str, int] = {}

    def print_rows(self, rows: Sequence[Any]) -> None:
        """Print these rows, below those that were printed before."""
        screen, before = console(), self._before
        shown = fitting([measured(column, rows, before.get(column.title, 0)) for column in self._columns], screen.width)
        widths = widths_of(shown, screen.width)
        now = {cells.column.title: width for cells, width in zip(shown, widths, strict=True)}
        heading = [] if now.keys() == before.keys() else heading_of(shown, widths)
        if heading and before:
            write("\n")
        _print_lines(chain(heading, lines_of(shown, widths, rows)), screen)
        self._before = now


def print_table(columns: Sequence[Column], rows: Iterable[Any], *, nothing: str) -> int:
    """Print the rows as a table while they arrive, or `nothing` without any; how many there were."""
    table, number = Table(columns), 0
    for block in blocks_of(rows, _BLOCK):
        table.print_rows(block)
        number += len(block)
    if nothing and not number:
        print_sentence(nothing)
    return number


def _print_lines(lines: Iterable[list[tuple[str, str]]], screen: Console) -> None:
    if not screen.is_terminal:
        # No styles, and nothing to cut: what rich would do takes half a millisecond per row.
        write("".join("".join(part for part, _ in line).rstrip() + "\n" for line in lines))
        return
    text = Text(no_wrap=True, overflow="ignore")
    for line in lines:
        for part, style in line:
            text.append(part, style)
        text.append("\n")
    render(text, screen)


def print_heading(text: str) -> None:
    """Print the heading of a part of a screen, after a blank line."""
    write("\n")
    render(Text(text, style="bold underline"), console())


def print_facts(facts: Iterable[Fact]) -> None:
    """Print names and values, one pair a line, some with a rich style. Longer values are wrapped between words."""
    screen, pairs = console(), list(facts)
    indent = max((cell_len(name) for name, *_ in pairs), default=0) + GAP
    text = Text(no_wrap=True, overflow="ignore")
    for name, value, *style in pairs:
        shown = NOTHING if value is None else one_line(value, LONGEST_WRAPPED)
        # An address that has no room beside its name gets a line of its own, so that it can be copied.
        is_below = max(map(cell_len, shown.split(" "))) > screen.width - indent
        margin = GAP if is_below else indent
        text.append(name, "bold").append("\n" if is_below else " " * (indent - cell_len(name)))
        lines = Text(shown, style=link_to(shown) or "".join(style)).wrap(screen, screen.width - margin)
        for number, line in enumerate(lines):
            text.append(" " * (margin if number or is_below else 0)).append_text(line).append("\n")
    render(text, screen)
