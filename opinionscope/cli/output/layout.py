"""Which columns of a table a line has room for, how wide each may be, and what is left of a text that is wider."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size

from opinionscope.cli.output.columns import GAP, LONGEST_TEXT, LONGEST_WRAPPED, NOTHING, Column
from opinionscope.text import one_line


@dataclass(frozen=True)
class Cells:
    """A column's texts, and how wide it would be and must be."""

    column: Column
    texts: list[str]
    natural: int
    least: int


def measured(column: Column, rows: Sequence[Any]) -> Cells:
    """The texts of a column, made harmless, and its widths."""
    limit = LONGEST_WRAPPED if column.flexible == "wrap" else LONGEST_TEXT
    texts = [NOTHING if (text := column.text(row)) is None else one_line(text, limit) for row in rows]
    natural = max(map(cell_len, (column.title, *texts)))
    return Cells(column, texts, natural, min(natural, column.least) if column.flexible else natural)


def fitting(columns: Sequence[Cells], width: int) -> list[Cells]:
    """The columns that a line of this width has room for."""
    shown = [cells for cells in columns if not cells.column.optional or set(cells.texts) != {NOTHING}]
    while sum(cells.least + GAP for cells in shown) - GAP > width:
        highest = max(cells.column.rank for cells in shown)
        if highest == 0:
            break
        shown = [cells for cells in shown if cells.column.rank != highest]
    return shown


def cut(cells: Cells, number: int, width: int) -> str:
    """A text that is too long without its middle: the end of a title tells options of one market apart."""
    text = cells.texts[number]
    if cells.column.flexible != "cut" or cell_len(text) <= width:
        return text
    head, tail = set_cell_size(text, width * 3 // 5).rstrip(), text
    while cell_len(head) + 1 + cell_len(tail) > width:
        tail = tail[1:]
    return f"{head}…{tail.lstrip()}"


def widths_of(shown: Sequence[Cells], width: int) -> list[int]:
    """The least width of each column, and the spare room for those that can use it, the first ones first."""
    spare = max(0, width - sum(cells.least + GAP for cells in shown) + GAP)
    widths = list[int]()
    for cells in shown:
        more = min(spare, cells.natural - cells.least)
        widths.append(cells.least + more)
        spare -= more
    return widths


def lines_of(shown: Sequence[Cells], widths: Sequence[int], rows: Sequence[Any]) -> Iterator[list[tuple[str, str]]]:
    """The heading and the rows as lines, each of (text, style) pairs; a row has as many as its longest wrapped text.

    Put together here, since the general tables of rich take a millisecond a row.
    """
    yield [
        pair
        for cells, width in zip(shown, widths, strict=True)
        for pair in _padded(cells, cells.column.title, width, "bold")
    ]
    for number, row in enumerate(rows):
        texts = [_lines_in(cells, number, width) for cells, width in zip(shown, widths, strict=True)]
        styles = [cells.column.style(row) for cells in shown]
        for height in range(max(map(len, texts))):
            yield [
                pair
                for cells, lines, width, style in zip(shown, texts, widths, styles, strict=True)
                for pair in _padded(cells, lines[height] if height < len(lines) else "", width, style)
            ]


def _lines_in(cells: Cells, number: int, width: int) -> list[str]:
    text = cut(cells, number, width)
    if cell_len(text) <= width:
        return [text]
    from rich.console import Console
    from rich.text import Text

    return [line.plain.rstrip() for line in Text(text).wrap(Console(width=width), width, overflow="fold")]


def _padded(cells: Cells, text: str, width: int, style: str) -> list[tuple[str, str]]:
    """The text with its style, and the plain space beside it up to the next column."""
    space = " " * max(0, width - cell_len(text))
    gap = " " * GAP
    return [(space, ""), (text, style), (gap, "")] if cells.column.right else [(text, style), (space + gap, "")]
