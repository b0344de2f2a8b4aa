"""Databases as earlier releases left them."""

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlite_utils import Database

from opinionscope.store import migrations
from opinionscope.store.database import APPLICATION_ID

STEPS = [step.name for step in migrations.migrations.pending(Database(memory=True))]


def create(path: Path, version: int) -> None:
    """An empty database of that schema version."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        migrations.migrations.apply(Database(connection), stop_before=STEPS[version:])
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")


def downgrade(path: Path, version: int) -> None:
    """Put what a database holds into one of an earlier version, as far as that has tables and columns for it."""
    new = path.with_suffix(".new")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    path.rename(new)
    path.write_bytes(_empty(version))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ATTACH ? AS new", (str(new),))
        tables = connection.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE '%sqlite%'"
        )
        for (table,) in tables.fetchall():
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"DELETE FROM main.{table}")
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")
    new.unlink()


@cache
def _empty(version: int) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "old.db"
        create(path, version)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        return path.read_bytes()
