"""Databases of every schema version that was ever released open, upgrade themselves and keep their data."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from opinionscope.errors import StoreError
from opinionscope.jobs.stats import compute_stats
from opinionscope.store import migrations
from opinionscope.store.database import SCHEMA_VERSION, Store
from opinionscope.store.markets import save_markets
from opinionscope.store.sync_logs import find_runs
from opinionscope.store.whales import find_whales
from opinionscope.times import utc_now
from tests import fresh_schema
from tests.cli.conftest import market
from tests.old_release import STEPS, create

WALLET = "0x" + "7e" * 20

FILLINGS: dict[str, Sequence[Any]] = {
    "INSERT INTO markets (platform, external_id, market_type, title, status, labels, first_seen_at, updated_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)": (
        "opinion_trade", "7", "binary", "Été ↑ 100,000?", "activated", "[]",
        "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z",
    ),
    "INSERT INTO whales (id, address, name, source, added_at, known_trades, api_total, traded_count, traded_volume, "
    "profit_sum, resume_position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)": (
        1, WALLET, "Ann", "manual", "2026-01-01T00:00:00Z", 3, 40, 2, 12.5, -1.25, 3
    ),
    "INSERT INTO whale_activity (id, whale_address, platform, market_external_id, tx_hash, action, amount, timestamp, "
    "first_seen_at, fingerprint, copy) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)": (
        1, WALLET, "opinion_trade", "7", "0x1", "BUY", 12.5,
        "2026-01-02T03:04:05Z", "2026-01-02T03:05:00.000Z", -(2**63), 1,
    ),
    "INSERT INTO counted_trades (whale_id, second, fingerprint, copies) VALUES (?, ?, ?, ?)": (1, 1_760_000_000, 5, 2),
    "INSERT INTO whale_hours (whale_id, hour, volume) VALUES (?, ?, ?)": (1, 489_000, 12.5),
    "INSERT INTO sync_logs (id, type, status, started_at, ended_at, item_count) VALUES (?, ?, ?, ?, ?, ?)": (
        1, "whales", "completed", "2026-01-02T03:05:00.000Z", "2026-01-02T03:05:01.000Z", 1
    ),
    "INSERT INTO request_minutes (minute, requests, throttled) VALUES (?, ?, ?)": ("2026-01-02T03:05:00.000Z", 4, 0),
}  # fmt: skip
"""What the first release could store."""


def make_version(path: Path, version: int) -> None:
    """A database as the release of that schema version left it, with a row in each table."""
    create(path, version)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for sql, parameters in FILLINGS.items():
            connection.execute(sql, parameters)


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that was filled into the tables of the first release."""
    columns = {sql.split()[2]: sql[sql.index("(") + 1 : sql.index(")")] for sql in FILLINGS}
    with closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(f"SELECT {columns[table]} FROM {table}").fetchall() for table in columns}


def test_after_the_upgrade_a_topic_and_a_market_of_one_number_are_two_and_lookups_are_remembered(
    tmp_path: Path,
) -> None:
    make_version(tmp_path / "old.db", 4)
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection, connection:
        connection.execute("UPDATE markets SET looked_up_at = '2026-01-03T00:00:00.000Z'")
    with Store.open(tmp_path / "old.db") as store:
        save_markets(store, [market("7", "The topic")._replace(market_type="categorical")], utc_now())
        found = store.query("SELECT external_id, market_type, title FROM markets ORDER BY market_type")
        assert [tuple(row) for row in found] == [("7", "binary", "Été ↑ 100,000?"), ("7", "categorical", "The topic")]
        lookups = store.query("SELECT external_id, is_topic, looked_up_at, fruitless FROM market_lookups")
        assert [tuple(row) for row in lookups] == [("7", 0, "2026-01-03T00:00:00.000Z", 0)]


def schema(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        sql = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%sqlite%' ORDER BY name"
        return connection.execute(sql).fetchall()


def test_the_version_of_the_schema_is_the_number_of_its_steps() -> None:
    assert len(STEPS) == SCHEMA_VERSION


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_database_of_each_version_upgrades_with_its_data_and_works(tmp_path: Path, version: int) -> None:
    path, new = tmp_path / "old.db", tmp_path / "new.db"
    make_version(path, version)
    before = content(path)

    with Store.open(path) as store:
        assert store.value("PRAGMA user_version") == SCHEMA_VERSION
        assert store.value("PRAGMA integrity_check") == "ok"
        assert compute_stats(store, now=utc_now()).item_count == 1
        (whale,) = find_whales(store)
        assert (whale.name, whale.trade_count, whale.total_volume) == ("Ann", 2, 12.5)
        assert [run.item_count for run in find_runs(store)] == [1]

    # Later steps add columns at the end.
    after = {
        table: [row[: len(old)] for row, old in zip(rows, before[table], strict=True)]
        for table, rows in content(path).items()
    }
    assert {table: after[table] for table in after if table != "whales"} == {
        table: before[table] for table in before if table != "whales"
    }
    Store.open(new).close()
    assert schema(path) == schema(new), "an upgraded database is made like a new one"


@pytest.mark.parametrize("version", range(SCHEMA_VERSION))
def test_an_upgrade_that_fails_half_way_leaves_the_old_version_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    path = tmp_path / "old.db"
    if version:
        make_version(path, version)
    else:
        path.touch()
    before = schema(path)

    def upgrade_and_fail(connection: sqlite3.Connection) -> None:
        real_upgrade(connection)
        connection.execute("INSERT INTO no_such_table VALUES (1)")

    real_upgrade = migrations.upgrade
    monkeypatch.setattr(migrations, "upgrade", upgrade_and_fail)
    with pytest.raises(StoreError, match="no such table"):
        Store.open(path)
    assert schema(path) == before
    monkeypatch.undo()
    with Store.open(path) as store:
        assert store.value("PRAGMA user_version") == SCHEMA_VERSION


def test_the_new_databases_of_these_tests_are_what_the_migrations_make() -> None:
    def made_by(make: Callable[[sqlite3.Connection], None]) -> tuple[list[Any], ...]:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            make(connection)
            objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
            rows = [
                (name, connection.execute(f"SELECT count(*) FROM {name}").fetchone())
                for kind, name, *_ in objects
                if kind == "table"
            ]
            steps = connection.execute("SELECT migration_set, name FROM _sqlite_migrations ORDER BY id").fetchall()
            return objects, rows, steps

    assert migrations.upgrade is not fresh_schema.real_upgrade
    assert made_by(migrations.upgrade) == made_by(fresh_schema.real_upgrade)
