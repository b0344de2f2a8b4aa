"""Typed rows: the way from a SELECT to frozen values."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, ClassVar, Self, TypeVar

from opinionscope.records import Record, conversions_of
from opinionscope.store.database import Parameters, Store

_BLOCK = 1_000


@dataclass(frozen=True)
class StoredRow(Record):
    """A row of a table, or of a SELECT in its place: one field per column, under the column's name.

    A field whose column has another name has that as `column` in its metadata. `KEY` is the integer that identifies a
    row.
    """

    TABLE: ClassVar[str]
    KEY: ClassVar[str] = "rowid"

    @classmethod
    def columns(cls) -> str:
        """The columns to select, in the order of the fields."""
        return ", ".join(field.metadata.get("column", field.name) for field in fields(cls))

    @classmethod
    def from_columns(cls, columns: Sequence[Any]) -> Self:
        """The value of a row that was selected by `columns()`."""
        return cls(
            *(
                column if conversion is None or column is None else conversion.from_column(column)
                for column, conversion in zip(columns, conversions_of(cls), strict=True)
            )
        )


RowType = TypeVar("RowType", bound=StoredRow)


def select(store: Store, row: type[RowType], rest: str = "", parameters: Parameters = ()) -> list[RowType]:
    """All rows of the table that meet `rest`, which is SQL from WHERE on. Only parameters may come from outside."""
    found = store.query(f"SELECT {row.columns()} FROM {row.TABLE} {rest}", parameters)  # noqa: S608
    return [row.from_columns(columns) for columns in found]


def select_first(store: Store, row: type[RowType], rest: str, parameters: Parameters = ()) -> RowType | None:
    """The first of those rows."""
    return next(iter(select(store, row, f"{rest} LIMIT 1", parameters)), None)


def select_filtered(
    store: Store,
    row: type[RowType],
    conditions: Mapping[str, str],
    filters: Mapping[str, object],
    *,
    order: str,
    limit: int,
) -> Iterator[RowType]:
    """At most `limit` rows that meet the condition of each filter with a value other than None.

    `conditions` are SQL by the name of their filter, and refer to its value as `:name`. Many rows are read in blocks,
    each with a query of its own: memory stays bounded, and a reader that takes its time, such as a pager, never holds
    the write-ahead log open (https://sqlite.org/wal.html#avoiding_excessively_large_wal_files). Which rows they are,
    and in which order, is decided at the start.
    """
    where = _where(conditions, filters)
    parameters = {**filters, "limit": limit}
    if limit <= _BLOCK:
        yield from select(store, row, f"{where}ORDER BY {order} LIMIT :limit", parameters)
        return
    keys = store.integers(f"SELECT {row.KEY} FROM {row.TABLE} {where}ORDER BY {order} LIMIT :limit", parameters)  # noqa: S608
    yield from select_by_keys(store, row, keys, order=order)


def select_by_keys(store: Store, row: type[RowType], keys: Sequence[int], *, order: str) -> Iterator[RowType]:
    """The rows of these keys, which are in this order."""
    for start in range(0, len(keys), _BLOCK):
        block = json.dumps(list(keys[start : start + _BLOCK]))
        rest = f"WHERE {row.KEY} IN (SELECT value FROM json_each(?)) ORDER BY {order}"  # noqa: S608
        yield from select(store, row, rest, (block,))


def count_filtered(
    store: Store,
    row: type[RowType],
    conditions: Mapping[str, str],
    filters: Mapping[str, object],
    *,
    most: int | None = None,
) -> int:
    """How many rows `select_filtered` finds without a limit; no further than `most` is counted."""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {row.TABLE} {_where(conditions, filters)}LIMIT :most)"  # noqa: S608
    return int(store.value(sql, {**filters, "most": -1 if most is None else most}))


def _where(conditions: Mapping[str, str], filters: Mapping[str, object]) -> str:
    wanted = [sql for name, sql in conditions.items() if filters[name] is not None]
    return f"WHERE {' AND '.join(wanted)} " if wanted else ""


def as_real(number: Decimal | None) -> float | None:
    """An exact number for a REAL column."""
    return None if number is None else float(number)
