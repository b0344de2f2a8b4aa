"""Fitting a table to a line: which columns have room, how wide each one is, and how longer texts are shortened."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from rich.cells import cell_len, set_cell_size

from opinionscope.cli.output.columns import GAP, LONGEST_TEXT, LONGEST_WRAPPED, MINOR_RANK, Column
from opinionscope.cli.output.wrapping import longest_word, wrapped
from opinionscope.text import one_line

_NARROWEST = 7
"""The width of a column that is cut though the line has no room for its least width."""
_LONG_WORD = 20
"""Up to this width, a wrapped column has room for its longest word."""


@dataclass(frozen=True)
class Cells:
    """A column's texts and its widths: natural, enough, least. `unused`: it has had nothing to show so far."""

    column: Column
    texts: list[str]
    natural: int
    enough: int
    least: int
    unused: bool


def measured(column: Column, rows: Sequence[Any], width_before: int = 0) -> Cells:
    """The texts of a column, safe to print, and its widths. It was `width_before` wide in the rows above, if any."""
    limit = LONGEST_WRAPPED if column.flexible == "wrap" else LONGEST_TEXT
    texts = [column.nothing if (text := column.text(row)) is None else one_line(text, limit) for row in rows]
    natural = max(width_before, *map(cell_len, (column.title, column.unit, *texts)))
    heading = max(cell_len(column.title), cell_len(column.unit))
    word = min(_LONG_WORD, max(map(longest_word, texts), default=0)) if column.flexible == "wrap" else 0
    least = min(natural, max(column.least, heading, word)) if column.flexible else natural
    enough = min(natural, max(column.enough, least)) if column.flexible else natural
    return Cells(column, texts, natural, enough, least, unused=not width_before and set(texts) == {column.nothing})


def fitting(columns: Sequence[Cells], width: int) -> list[Cells]:
    """The columns that fit into a line of this width."""
    shown = [cells for cells in columns if not (cells.column.optional and cells.unused)]
    for rank in sorted({cells.column.rank for cells in shown} - {0}, reverse=True):
        if sum(_needed(cells, rank) + GAP for cells in shown) - GAP > width:
            shown = [cells for cells in shown if cells.column.rank != rank]
    return shown


def _needed(cells: Cells, rank: int) -> int:
    """The width that a column has to have before one of this rank is shown beside it."""
    return cells.enough if rank >= MINOR_RANK else cells.least


def cut(cells: Cells, number: int, width: int) -> str:
    """A text that is too long loses its middle, because the end of a title tells a market's options apart."""
    text = cells.texts[number]
    return text if cells.column.flexible != "cut" or cell_len(text) <= width else without_middle(text, width)


def without_middle(text: str, width: int) -> str:
    """The first and the last words that fit, with at most half of the width for the last.

    Of a last word that is too long, the end after a hyphen. Where that leaves most of it empty, the last words alone;
    words are broken where they don't fit, either.
    """
    words = text.split(" ")
    words[1:] = [*words[1:-1], *_separable(words[-1], width // 2)] if words[1:] else []
    tail = _words_that_fit(words[:0:-1], width // 2)[::-1]
    head = _words_that_fit(words, width - 1 - cell_len(" ".join(tail)))
    if not head:
        head, tail = _words_that_fit(words, width - 1), []
    if head and cell_len(" ".join([*head, *tail])) * 3 >= width:
        more = _words_that_fit(
            words[len(head) : len(words) - len(tail)][::-1], width - 2 - cell_len(" ".join([*head, *tail]))
        )
        return f"{' '.join(head)}…{' '.join([*more[::-1], *tail])}"
    last = " ".join(_words_that_fit(words[:0:-1], width - 1)[::-1])
    if cell_len(last) * 2 >= width:
        return f"…{last}"
    start, end = set_cell_size(text, width * 3 // 5).rstrip(), text
    while cell_len(start) + 1 + cell_len(end) > width:
        end = end[1:]
    return f"{start}…{end.lstrip()}"


def _separable(word: str, width: int) -> list[str]:
    """The word, or its beginning and the longest end after a hyphen that fits, if the word does not."""
    ends = [match.end() for match in re.finditer("-", word) if cell_len(word[match.end() :]) <= width]
    return [word[: ends[0]], word[ends[0] :]] if ends and cell_len(word) > width else [word]


def _words_that_fit(words: Sequence[str], width: int) -> list[str]:
    texts = accumulate(words, lambda text, word: f"{text} {word}")
    return list(words[: sum(cell_len(text) <= width for text in texts)])


def widths_of(shown: Sequence[Cells], width: int) -> list[int]:
    """The width of each column. Spare room goes to titles first, then to what may wrap.

    No column gets more than enough before all of them have enough, and none less than its least width, unless the line
    is too narrow even for that.
    """
    spare = width - sum(cells.least + GAP for cells in shown) + GAP
    widths = [cells.least for cells in shown]
    for number in _widest_flexible(shown):
        narrowest = max(_NARROWEST, cell_len(shown[number].column.title))
        less = max(0, min(-spare, widths[number] - narrowest))
        widths[number] -= less
        spare += less
    order = sorted(range(len(shown)), key=lambda number: _claim(shown[number]))
    wanted = [(number, shown[number].enough) for number in order] + [
        (number, shown[number].natural) for number in order
    ]
    for number, target in wanted:
        more = max(0, min(spare, target - widths[number]))
        widths[number] += more
        spare -= more
    return widths


def _widest_flexible(shown: Sequence[Cells]) -> list[int]:
    return sorted(
        (number for number, cells in enumerate(shown) if cells.column.flexible),
        key=lambda number: -shown[number].least,
    )


def _claim(cells: Cells) -> tuple[bool, int]:
    return cells.column.flexible == "wrap", -cells.column.least


def heading_of(shown: Sequence[Cells], widths: Sequence[int]) -> list[list[tuple[str, str]]]:
    """The heading as lines of (text, style) pairs: the titles, and the units if there are any."""
    columns = list(zip(shown, widths, strict=True))
    titles = [pair for cells, width in columns for pair in _padded(cells, cells.column.title, width, "bold")]
    units = [pair for cells, width in columns for pair in _padded(cells, cells.column.unit, width, "dim")]
    return [titles, units] if any(cells.column.unit for cells in shown) else [titles]


def lines_of(shown: Sequence[Cells], widths: Sequence[int], rows: Sequence[Any]) -> Iterator[list[tuple[str, str]]]:
    """The rows as lines of (text, style) pairs; a row takes as many lines as its longest wrapped text.

    Built here because rich's own tables take about a millisecond per row.
    """
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
    return wrapped(text, width)


def _padded(cells: Cells, text: str, width: int, style: str) -> list[tuple[str, str]]:
    """The text with its style, padded to the next column."""
    space = " " * max(0, width - cell_len(text))
    gap = " " * GAP
    return [(space, ""), (text, style), (gap, "")] if cells.column.right else [(text, style), (space + gap, "")]
