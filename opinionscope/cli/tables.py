"""Everything about showing: tables that fit the terminal, facts, and JSON documents."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import typer

from opinionscope.text import one_line
from opinionscope.times import ago, from_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

NOTHING = "–"
LONGEST_TEXT = 200
LONGEST_WRAPPED = 2_000
GAP = 2
_WIDER_THAN_ANYTHING = 10_000

# What JSON lets through and a terminal does not show but obey: DEL and C1 controls, bidirectional and other invisible
# marks, line separators, lone surrogates. Written as an escape, each is the same to whoever parses the document.
_NOT_FOR_TERMINALS = "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"


@dataclass(frozen=True)
class Column:
    """One column of a table: its heading, and the text that it shows of a row (None: nothing is known).

    `rank` above 0: left out where the terminal is too narrow, the highest rank first. `flexible`: takes what space
    there is, at `least` so many characters, and a longer text is cut in its middle, or wrapped. `optional`: left out
    if no row has anything to show. `style` is that of a row's text, in the words of rich.
    """

    title: str
    text: Callable[[Any], str | None]
    right: bool = False
    rank: int = 0
    flexible: Literal["cut", "wrap"] | None = None
    least: int = 24
    optional: bool = False
    style: Callable[[Any], str] = lambda _: ""


def money(amount: float | None) -> str | None:
    """`1,234.50`."""
    return None if amount is None else f"{amount:z,.2f}"


def price(value: float | None) -> str | None:
    """`0.421`: a price, which is a probability."""
    return None if value is None else f"{value:z.3f}"


def count(number: int | None) -> str | None:
    """`1,234`."""
    return None if number is None else f"{number:,}"


def counted(number: int, what: str) -> str:
    """`1 wallet`, `2 wallets`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def moment(text: str | None) -> str | None:
    """A stored time, to the second, UTC: `2026-01-31 09:05:07`."""
    return None if text is None else text[:19].replace("T", " ")


def age(text: str | None, now: datetime) -> str | None:
    """How long ago a stored time was: `4 min ago`."""
    return None if text is None else ago(from_text(text), now)


def short_address(address: str) -> str:
    """`0x1234…abcd`."""
    return f"{address[:6]}…{address[-4:]}"


def print_table(columns: Sequence[Column], rows: Sequence[Any], *, nothing: str) -> None:
    """Print the rows, cut to the width of a terminal and whole elsewhere; `nothing` is said where there are none."""
    if not rows:
        write(f"{nothing}\n")
        return
    from rich.text import Text

    from opinionscope.cli.fitting import fitting, lines_of, measured, widths_of

    console = _console()
    shown = fitting([measured(column, rows) for column in columns], console.width)
    table = Text(no_wrap=True, overflow="ignore")
    for line in lines_of(shown, widths_of(shown, console.width), rows):
        for text, style in line:
            table.append(text, style)
        table.append("\n")
    _render(console, table)


def print_facts(facts: Iterable[tuple[str, str | None]]) -> None:
    """Print names and values, one pair a line."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(name, style="bold"), NOTHING if value is None else Text(one_line(value, LONGEST_WRAPPED)))
    _render(_console(), table)


def print_json(document: Any) -> None:
    """Print one JSON document. It parses whatever is in it, and shows as text on any terminal."""
    import json
    import re

    is_utf8 = _encoding().lower().replace("-", "") == "utf8"
    text = json.dumps(document, ensure_ascii=not is_utf8, allow_nan=False, indent=2)
    text = re.sub(_NOT_FOR_TERMINALS, lambda match: f"\\u{ord(match[0]):04x}", text)
    write(f"{text}\n")


def write(text: str) -> None:
    """Print the text as it is. A reader that has seen enough, such as `head`, ends the command quietly."""
    try:
        sys.stdout.write(text.encode(_encoding(), "replace").decode(_encoding()))
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would be written, and fail, once more at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def _encoding() -> str:
    return sys.stdout.encoding or "utf-8"


def is_wide() -> bool:
    """Whether a line has room for what a narrow terminal is spared, such as a whole wallet address."""
    return _console().width >= 120


def _console() -> "Console":
    """A console that takes no text for markup, of the terminal's width; a file or a pipe has all the width it wants."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDER_THAN_ANYTHING
    return Console(width=width, markup=False, emoji=False, highlight=False)


def _render(console: "Console", what: "RenderableType") -> None:
    with console.capture() as capture:
        console.print(what, end="")
    write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))
