"""A column of a table: its heading, the text it shows of a row, and how it behaves when space is short."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

NOTHING = "–"
GAP = 2
"""Spaces between two columns."""
MINOR_RANK = 4
LONGEST_TEXT = 200
LONGEST_WRAPPED = 2_000


@dataclass(frozen=True)
class Column:
    """One column. `text` returns what to show of a row (None if nothing is known).

    `rank`: 0 for a column that is always shown; otherwise it is dropped when the terminal is too narrow, the highest
    rank first. `flexible`: how a text that is too long is shortened; such a column takes what space is left, but at
    least `least` characters, and columns of MINOR_RANK or above are dropped until it has `enough`. `optional`: dropped
    if no row has anything to show. `style`: a rich style for a row. `unit`: the unit of the values, which stands below
    the title. `nothing`: what stands for None.
    """

    title: str
    text: Callable[[Any], str | None]
    right: bool = False
    rank: int = 0
    flexible: Literal["cut", "wrap"] | None = None
    least: int = 24
    enough: int = 0
    optional: bool = False
    style: Callable[[Any], str] = lambda _: ""
    unit: str = ""
    nothing: str = NOTHING
