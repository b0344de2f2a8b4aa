"""After simulated months, every figure of every wallet follows from what truly happened, to the cent."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.simulator.scenarios import CAST, several_months
from tests.conftest import CommandLine, Trading
from tests.end_to_end.record_truth import (
    DUST,
    ZERO,
    TruePosition,
    true_farming_share,
    true_marks,
    true_positions,
    true_record,
)
from tests.store.test_upgrade import make_version

CENT = 0.005
FIGURES = (
    "net_shares", "cost_per_share", "exposure", "realized", "settled", "unrealized", "unexplained_shares", "state"
)  # fmt: skip
RECORD = (
    "net_profit", "exposure", "unrealized_profit", "decided_questions", "won_questions", "win_rate_low",
    "win_rate_high", "roi", "luck", "farming_share", "flagged", "record_withheld",
)  # fmt: skip


@dataclass
class Months:
    """An exchange with a past, and a database that has been brought up to it."""

    exchange: Exchange
    server: ExchangeServer
    command: CommandLine

    def __call__(self, *words: str, **settings: str) -> None:
        done = self.command(*words, **settings)
        assert (done.returncode, done.stderr) == (0, ""), words

    def catch_up(self, **settings: str) -> None:
        """Run every job, the markets often enough to look up all that positions name."""
        self("sync", "whales", **settings)
        for _ in range(4):
            self("sync", "markets", **settings)
        for job in (("sync", "positions"), ("stats",)):
            self(*job, **settings)

    def compare_with_truth(self) -> None:
        for address in self.exchange.wallets:
            self._compare_positions(address)
            self._compare_record(address)

    def truth(self, address: str) -> dict[tuple[int, int], TruePosition]:
        return true_positions(self.exchange, self.exchange.visible_trades(address))

    def _compare_positions(self, address: str) -> None:
        marks = true_marks(self.exchange, address)
        rows = self.command.query(
            f"SELECT market_external_id, outcome_side, {', '.join(FIGURES)} FROM position_figures "
            "WHERE whale_address = ?",
            (address,),
        )
        shown = {(int(row[0]), row[1]): dict(zip(FIGURES, row[2:], strict=True)) for row in rows}
        truth = self.truth(address)
        assert truth.keys() <= shown.keys()
        for key, position in truth.items():
            figures = {name: getattr(position, name) for name in FIGURES if name != "unrealized"}
            figures["unrealized"] = position.unrealized(marks.get(key))
            for name, value in figures.items():
                assert shown[key][name] == _as_shown(value), (address, key, name)
        for key in shown.keys() - truth.keys():
            assert (shown[key]["state"], shown[key]["exposure"]) == ("exited", 0), key

    def _compare_record(self, address: str) -> None:
        (row,) = self.command.query(f"SELECT {', '.join(RECORD)} FROM whales WHERE address = ?", (address,))
        shown = dict(zip(RECORD, row, strict=True))
        true = true_record(self.truth(address), true_marks(self.exchange, address))
        low, high = true.interval or (None, None)
        figures = {
            "net_profit": true.net_profit,
            "exposure": true.exposure,
            "unrealized_profit": true.unrealized,
            "decided_questions": true.decided,
            "won_questions": true.won,
            "win_rate_low": low,
            "win_rate_high": high,
            "roi": true.roi,
            "luck": true.luck,
        }
        assert {name: shown[name] for name in figures} == {name: _as_shown(value) for name, value in figures.items()}
        assert (shown["record_withheld"] is None) == (true.interval is not None)


def _as_shown(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return pytest.approx(float(value), abs=1e-9 if isinstance(value, float) else CENT)


@pytest.fixture
def months(command: CommandLine, trading: Trading) -> Months:
    now = time.time()
    exchange = several_months(trades_per_minute=0, market_churn_per_minute=0, clock=lambda: now)
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    return Months(exchange, server, command)


def test_every_figure_equals_the_truth_and_goes_on_doing_so_after_a_purge(months: Months) -> None:
    months.catch_up()
    months.compare_with_truth()
    _farmers_are_flagged(months)
    assert _disagreeing(months) == set()
    months("cleanup", "--retention-days", "1")
    months.catch_up(OPINIONSCOPE_RETENTION_DAYS="30")
    months.compare_with_truth()
    assert _disagreeing(months) == _moved_without_a_trade(months) != set()


def _farmers_are_flagged(months: Months) -> None:
    wallets = {kind.__name__: address for kind, address in zip(CAST, months.exchange.wallets, strict=True)}
    rows = dict(months.command.query("SELECT address, farming_share FROM whales WHERE flagged = 1"))
    assert rows.keys() == {wallets["Washer"], wallets["RoundTripper"]}
    for address, share in rows.items():
        trades = months.exchange.visible_trades(address)
        assert share == pytest.approx(true_farming_share(trades, months.exchange.clock()))


def _disagreeing(months: Months) -> set[tuple[str, int, int]]:
    """The positions that the second check in a row finds wrong."""
    rows = months.command.query(
        "SELECT whale_address, market_external_id, outcome_side FROM positions WHERE disagrees_since IS NOT NULL"
    )
    return {(address, int(market), side) for address, market, side in rows}


def _moved_without_a_trade(months: Months) -> set[tuple[str, int, int]]:
    """The listed positions whose shares the trades do not account for, and which are worth something."""
    moved = set()
    for address in months.exchange.wallets:
        marks, truth = true_marks(months.exchange, address), months.truth(address)
        for key, holding in months.exchange.holdings(address).items():
            position = truth.get(key) or TruePosition(months.exchange.market(key[0]), key[1])
            held = position.acquired - position.given
            worth = position.cost_per_share or marks.get(key, ZERO)
            if key in marks and held >= 0 and abs(holding.shares - held) * worth >= DUST:
                moved.add((address, *key))
    return moved


def test_runs_that_are_killed_and_trades_that_are_only_counted_change_no_figure(months: Months) -> None:
    retention = {"OPINIONSCOPE_RETENTION_DAYS": "30"}
    for requests in (3, 20, 37):
        months.server.forget()
        run = months.command.start("sync", "whales", **retention)
        while len(months.server.requests) < requests and run.poll() is None:
            time.sleep(0.002)
        run.kill()
        run.communicate()
    months.catch_up(**retention)
    months.compare_with_truth()


def test_a_database_of_the_release_before_is_brought_up_to_the_same_figures(months: Months) -> None:
    retention = {"OPINIONSCOPE_RETENTION_DAYS": "30"}
    months("sync", "whales", **retention)
    _turn_back(months.command.database, 8)
    for _ in range(2):
        months("sync", "whales", **retention)
    months.catch_up(**retention)
    months.compare_with_truth()


def _turn_back(database: Path, version: int) -> None:
    """Make the database one of an older schema version, with all that it had at that time."""
    older = database.with_name("older.db")
    make_version(older, version)
    with closing(sqlite3.connect(older)) as connection, connection:
        connection.execute("ATTACH ? AS newer", (str(database),))
        for (table,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            if table.startswith(("sqlite_", "_")):
                continue
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"DELETE FROM main.{table}")
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
    for name in (f"{database.name}-wal", f"{database.name}-shm"):
        database.with_name(name).unlink(missing_ok=True)
    older.replace(database)
