"""Rows chosen by those conditions that somebody asks for."""

import sqlite3
from collections.abc import Mapping

from opinionscope.store.database import Store


def find_rows(
    store: Store, table: str, conditions: Mapping[str, str], asked: Mapping[str, object], *, order: str, limit: int
) -> list[sqlite3.Row]:
    """At most `limit` rows that meet each condition which is asked for with a value other than None.

    `conditions` are SQL by name, and name what is `asked` as `:name`. Only values may come from outside.
    """
    wanted = [sql for name, sql in conditions.items() if asked[name] is not None]
    where = f"WHERE {' AND '.join(wanted)} " if wanted else ""
    return store.query(f"SELECT * FROM {table} {where}ORDER BY {order} LIMIT :limit", {**asked, "limit": limit})  # noqa: S608
