"""`cleanup` and `stats` as cron runs them, on what the whale sync has stored."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opinionscope.jobs.cleanup import last_due
from opinionscope.simulator import Exchange
from tests.conftest import CommandLine, Trading
from tests.moved_clock import clock_ahead, to_noon


@pytest.fixture
def synced(command: CommandLine, trading: Trading) -> Exchange:
    """A database with the whole history of three wallets, 120 days long."""
    exchange = Exchange(seed=11, markets=10, wallets=3, history=300, trades_per_minute=0, market_churn_per_minute=0)
    trading(exchange)
    command("whales", "add", *exchange.wallets)
    assert command("sync", "whales").returncode == 0
    return exchange


def test_trades_older_than_the_retention_are_counted_and_not_stored(command: CommandLine, synced: Exchange) -> None:
    oldest = datetime.now(UTC) - timedelta(days=90)
    for wallet in synced.wallets:
        truth = synced.visible_trades(wallet)
        young = sum(trade.created_at >= oldest.timestamp() for trade in truth)
        assert 0 < young < len(truth)
        stored = command.query("SELECT count(*) FROM whale_activity WHERE whale_address = ?", (wallet,))[0][0]
        known, total = command.query("SELECT known_trades, api_total FROM whales WHERE address = ?", (wallet,))[0]
        assert (stored, known, total) == (young, len(truth), len(truth))


def test_a_purge_takes_rows_and_never_totals(command: CommandLine, synced: Exchange) -> None:
    figures = "SELECT address, known_trades, trade_count, total_volume, realized_profit FROM whales ORDER BY address"
    command("stats")
    before = command.query(figures)

    result = command("cleanup", "--retention-days", "30")

    assert (result.returncode, result.stdout) == (0, "")
    limit = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert command.query("SELECT count(*) FROM whale_activity WHERE timestamp < ?", (limit,)) == [(0,)]
    assert command.last_run("cleanup")["item_count"] > 0
    assert command("sync", "whales").returncode == 0
    assert command.last_run("whales")["item_count"] == 0, "what was purged does not come back"
    command("stats")
    assert command.query(figures) == before


def test_stats_agree_with_the_true_history(command: CommandLine, synced: Exchange) -> None:
    command("stats")
    now = datetime.now(UTC).timestamp()
    for wallet in synced.wallets:
        truth = synced.visible_trades(wallet)
        traded = [trade for trade in truth if trade.side in ("Buy", "Sell")]
        volumes = [
            sum(float(trade.amount) for trade in traded if trade.created_at >= now - days * 86_400) for days in (7, 30)
        ]
        row = command.query(
            "SELECT trade_count, total_volume, volume_7d, volume_30d, realized_profit FROM whales WHERE address = ?",
            (wallet,),
        )[0]
        assert row[0] == len(traded)
        assert row[1:] == pytest.approx(
            (sum(float(trade.amount) for trade in traded), *volumes, sum(float(trade.profit) for trade in truth))
        )


def test_a_dry_run_says_what_would_go_and_takes_nothing(command: CommandLine, synced: Exchange) -> None:
    before = command.query("SELECT count(*) FROM whale_activity")
    result = command("cleanup", "--dry-run", "--retention-days", "30")
    assert result.returncode == 0
    limit = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    expected = command.query("SELECT count(*) FROM whale_activity WHERE timestamp < ?", (limit,))[0][0]
    assert result.stdout.startswith(f"{expected} trades and 0 log rows ")
    assert command.query("SELECT count(*) FROM whale_activity") == before
    assert command.query("SELECT count(*) FROM sync_logs WHERE type = 'cleanup'") == [(0,)]


def test_cleanup_if_due_runs_once_a_day_and_is_silent_otherwise(command: CommandLine, tmp_path: Path) -> None:
    at_noon = clock_ahead(tmp_path / "clock", to_noon())
    for _ in range(3):
        result = command("cleanup", "--if-due", **at_noon)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert command.query("SELECT status FROM sync_logs") == [("completed",)]


def test_a_machine_that_slept_at_three_catches_up(command: CommandLine) -> None:
    command("cleanup")
    before_three = last_due(datetime.now(UTC)) - timedelta(seconds=1)
    with sqlite3.connect(command.database) as connection:
        moment = before_three.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        connection.execute("UPDATE sync_logs SET started_at = ?, ended_at = ?", (moment, moment))
    connection.close()
    command("cleanup", "--if-due")
    assert command.query("SELECT count(*) FROM sync_logs WHERE status = 'completed'") == [(2,)]


def test_a_purge_gives_the_space_back(command: CommandLine, synced: Exchange) -> None:
    before = command.database.stat().st_size
    assert command("cleanup", "--retention-days", "1").returncode == 0
    assert command.query("PRAGMA freelist_count") == [(0,)]
    assert command.database.stat().st_size < before


def test_old_log_rows_go_and_the_last_success_of_a_job_stays(command: CommandLine) -> None:
    command("stats")
    with sqlite3.connect(command.database) as connection:
        old = [
            (-4, "stats", "failed"),
            (-3, "stats", "completed"),
            (-2, "markets", "completed"),
            (-1, "markets", "failed"),
        ]
        connection.executemany(
            "INSERT INTO sync_logs (id, type, status, started_at) VALUES (?, ?, ?, '2020-01-01T00:00:00.000Z')", old
        )
    connection.close()
    assert command("cleanup").returncode == 0
    assert command.last_run("cleanup")["item_count"] == 3
    kept = command.query("SELECT type, status FROM sync_logs WHERE started_at < '2021' ORDER BY id")
    assert kept == [("markets", "completed")]
