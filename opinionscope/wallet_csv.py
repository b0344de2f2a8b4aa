"""Lists of wallets as CSV, written by hand or by a spreadsheet. See https://www.rfc-editor.org/rfc/rfc4180."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import NamedTuple

from opinionscope.errors import UsageError

_ADDRESS_HEADINGS = ("address", "wallet", "walletaddress")
_NAME_HEADINGS = ("name", "username")
_TAGS_HEADINGS = ("tags", "tag")
# What follows the first field of a line. Spreadsheets write semicolons where the comma is the decimal mark.
_SEPARATOR = re.compile(r'^[ \t]*"?[\w -]+"?[ \t]*([,;\t])', re.MULTILINE)
# The first line, by which Excel is told the separator.
_EXCEL = re.compile(r"sep=(.)(?=[\r\n])", re.IGNORECASE)


class WrittenWallet(NamedTuple):
    """A wallet as a list has it, nothing validated yet. `place` says where in the list it is."""

    place: str
    address: str
    name: str | None = None
    tags: str = ""


@dataclass(frozen=True)
class _Columns:
    """Where the fields are, and how many there may be."""

    address: int
    name: int | None
    tags: int | None
    count: int


_WITHOUT_HEADING = _Columns(address=0, name=1, tags=2, count=3)


def read_csv(text: str) -> Iterator[WrittenWallet]:
    """The wallets of the list, in order.

    The columns are `address`, `name` and `tags`, or those of a heading, which may have more. They are separated by
    commas, semicolons or tabs. Blank lines and `#` comments are skipped. Raises UsageError if a line is not valid CSV.
    """
    excel = _EXCEL.match(text)
    separator = excel or _SEPARATOR.search(text)
    lines = _Lines(text[excel.end() :] if excel else text)
    rows = csv.reader(lines, delimiter=separator[1] if separator else ",", skipinitialspace=True, strict=True)
    columns: _Columns | None = None
    try:
        for row in rows:
            lines.within_a_row = False
            if not any(field.strip() for field in row):
                continue
            heading = _read_heading(row) if columns is None else None
            columns = heading or columns or _WITHOUT_HEADING
            if heading is None:
                yield _read_row(row, columns, f"line {rows.line_num}")
    except csv.Error as error:
        raise UsageError(f"line {rows.line_num} is not valid CSV ({error}). Nothing was imported.") from None


class _Lines:
    """The lines, which end in CR, LF or both, and nowhere else. A comment becomes a blank line, unless it is within a
    row: a name in quotes may have several lines.
    """

    def __init__(self, text: str) -> None:
        self._lines = StringIO(text, newline="")
        self.within_a_row = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            is_comment = not self.within_a_row and line.lstrip().startswith("#")
            self.within_a_row = True
            yield "\n" if is_comment else line


def _read_heading(row: list[str]) -> _Columns | None:
    """The columns that a heading names; None if the row is not a heading."""
    titles = [re.sub(r"[\s_-]", "", field).lower() for field in row]
    address, name, tags = (
        next((number for number, title in enumerate(titles) if title in headings), None)
        for headings in (_ADDRESS_HEADINGS, _NAME_HEADINGS, _TAGS_HEADINGS)
    )
    return None if address is None else _Columns(address, name, tags, len(row))


def _read_row(row: list[str], columns: _Columns, place: str) -> WrittenWallet:
    if any(field.strip() for field in row[columns.count :]):
        advice = "put a name that contains the separator in quotes"
        raise UsageError(f"{place} has more than {columns.count} fields; {advice}. Nothing was imported.")
    fields = dict(enumerate(row))
    name = None if columns.name is None else fields.get(columns.name)
    tags = "" if columns.tags is None else fields.get(columns.tags, "")
    return WrittenWallet(place, fields.get(columns.address, ""), name, tags)
