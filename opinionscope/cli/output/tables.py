"""Tables that fit the terminal, and lists of facts."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from opinionscope.cli.output.columns import GAP, LONGEST_WRAPPED, NOTHING, Column
from opinionscope.cli.output.layout import fitting, lines_of, measured, widths_of
from opinionscope.cli.output.terminal import console, render, write
from opinionscope.text import one_line


def print_table(columns: Sequence[Column], rows: Sequence[Any], *, nothing: str) -> None:
    """Print the rows, cut to the width of a terminal and in full elsewhere; without rows, print `nothing`."""
    if not rows:
        write(f"{nothing}\n")
        return
    screen = console()
    shown = fitting([measured(column, rows) for column in columns], screen.width)
    table = Text(no_wrap=True, overflow="ignore")
    for line in lines_of(shown, widths_of(shown, screen.width), rows):
        for text, style in line:
            table.append(text, style)
        table.append("\n")
    render(table, screen)


def print_facts(facts: Iterable[tuple[str, str | None]]) -> None:
    """Print names and values, one pair a line."""
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(name, style="bold"), NOTHING if value is None else Text(one_line(value, LONGEST_WRAPPED)))
    render(table, console())
