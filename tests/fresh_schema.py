"""New databases, as fast as thousands of tests need them: the migrations make one, and the others get what it holds.

A database that holds something already takes the real steps. So does each that a command started as a process of its
own makes, and tests/store/test_upgrade.py compares the two.
"""

import sqlite3
from contextlib import closing
from functools import cache

from opinionscope.store import migrations

real_upgrade = migrations.upgrade


def install() -> None:
    """Have new databases made that way in this process, and in those that are forked from it."""
    _statements()
    migrations.upgrade = _upgrade


@cache
def _statements() -> list[str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        real_upgrade(connection)
        # Without the transaction around them: the caller has one.
        return list(connection.iterdump())[1:-1]


def _upgrade(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        real_upgrade(connection)
        return
    for statement in _statements():
        connection.execute(statement)
    connection.execute("UPDATE schedule SET first_used_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
