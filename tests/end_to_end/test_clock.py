"""A clock that is wrong for some runs hides no failure, delays no purge, and deletes nothing that should stay."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opinionscope.simulator import Exchange, ExchangeServer, Fault
from opinionscope.store.clock import ExchangeTime
from opinionscope.store.database import Store
from opinionscope.store.request_minutes import record_requests
from tests.alerts.receiver import Receiver, receiving
from tests.conftest import JOB, CommandLine, Trading
from tests.moved_clock import clock_ahead, to_noon

HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)
ACTIVITY = "SELECT count(*) FROM whale_activity"
Shifted = Callable[[timedelta], dict[str, str]]


@pytest.fixture
def shifted(tmp_path: Path) -> Shifted:
    """The environment of a command whose clock is ahead by so much."""
    return lambda ahead: clock_ahead(tmp_path / "clock", ahead)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(seed=13, markets=5, wallets=2, history=60, trades_per_minute=0, market_churn_per_minute=0)


@pytest.fixture
def server(exchange: Exchange, command: CommandLine, trading: Trading) -> ExchangeServer:
    """An exchange whose wallets are tracked, with one completed run of each job."""
    server = trading(exchange)
    command.settings["OPINIONSCOPE_MAX_ATTEMPTS"] = "1"
    command("whales", "add", *exchange.wallets)
    for words in (["sync", "markets"], ["sync", "whales"], ["sync", "positions"], ["stats"], ["cleanup"]):
        assert command(*words).returncode == 0
    return server


def titles(receiver: Receiver) -> list[str]:
    return [title.removeprefix("opinionscope: ") for title in receiver.titles]


def status(command: CommandLine) -> tuple[int, dict[str, int], dict[str, object]]:
    """Its exit status, the failures of each job in a row, and what it says of the clock."""
    result = command("status", "--json")
    document = json.loads(result.stdout)
    return result.returncode, {job["job"]: job["failures_in_a_row"] for job in document["jobs"]}, document["clock"]


@pytest.mark.parametrize("wrong", [8 * HOURS, -730 * DAYS])
def test_failures_in_a_row_are_counted_whatever_the_clock_said_before_them(
    command: CommandLine, server: ExchangeServer, shifted: Shifted, wrong: timedelta
) -> None:
    with receiving() as receiver:
        command.settings["OPINIONSCOPE_ALERT_URLS"] = receiver.alert_url
        assert command("sync", "markets", **shifted(wrong)).returncode == 0
        server.faults.add(Fault("503"))
        for _ in range(5):
            assert command("sync", "markets").returncode == 1
        assert titles(receiver) == ["`sync markets` is failing"]
        assert status(command)[:2] == (1, {"markets": 5, "whales": 0, "positions": 0, "stats": 0, "cleanup": 0})
        assert command("sync", "markets", OPINION_TRADE_API_KEY=" ").returncode == 78
        assert status(command)[1]["markets"] == 6
    assert [row["status"] for row in json.loads(command("logs", "--type", "markets", "--json").stdout)] == [
        *["failed"] * 6,
        *["completed"] * 2,
    ]


def test_failures_by_a_clock_that_is_behind_are_told_of(
    command: CommandLine, server: ExchangeServer, shifted: Shifted
) -> None:
    server.faults.add(Fault("503"))
    with receiving() as receiver:
        command.settings["OPINIONSCOPE_ALERT_URLS"] = receiver.alert_url
        for _ in range(3):
            command("sync", "markets", **shifted(-730 * DAYS))
        assert titles(receiver) == ["`sync markets` is failing"]


def test_a_good_run_by_a_clock_that_is_ahead_does_not_silence_what_comes_after_it(
    command: CommandLine, server: ExchangeServer, shifted: Shifted
) -> None:
    with receiving() as receiver:
        command.settings["OPINIONSCOPE_ALERT_URLS"] = receiver.alert_url
        for _ in range(2):
            server.faults.add(Fault("503"))
            for _ in range(3):
                command("sync", "markets")
            server.faults.clear()
            assert command("sync", "markets", **shifted(8 * HOURS)).returncode == 0
        assert titles(receiver) == ["`sync markets` is failing", "`sync markets` has recovered"] * 2
        for request in receiver.received[1::2]:
            assert " h " not in request.message.partition("an outage of ")[2].partition("(")[0]


def test_status_and_check_name_runs_that_are_dated_later_than_now(
    command: CommandLine, server: ExchangeServer, shifted: Shifted
) -> None:
    before = datetime.now(UTC)
    command("stats", **shifted(3 * DAYS))
    code, _, clock = status(command)
    assert (code, clock["future_runs"]) == (0, 1)
    assert before <= datetime.fromisoformat(str(clock["latest_run"])) - 3 * DAYS <= datetime.now(UTC)
    for shown in (command("status").stdout, command("check").stdout):
        assert "1 run" in shown
        assert "dated later than now" in shown
    command("sync", "markets", **shifted(8 * HOURS))
    # The exchange's Date is cut to whole seconds, so what it tells is up to a second too much.
    assert re.search("28,80[01] s ahead of the exchange's", command("status", **shifted(8 * HOURS)).stdout)


def test_a_job_whose_last_run_is_dated_ahead_is_overdue_by_the_run_before(
    command: CommandLine, server: ExchangeServer, shifted: Shifted
) -> None:
    command("sync", "whales", **shifted(300 * DAYS))
    assert not overdue(command, shifted(4 * timedelta(minutes=1)))
    assert "whales" in overdue(command, shifted(6 * timedelta(minutes=1)))


def overdue(command: CommandLine, settings: dict[str, str]) -> list[str]:
    return [job["job"] for job in json.loads(command("status", "--json", **settings).stdout)["jobs"] if job["overdue"]]


def test_a_cleanup_that_was_ahead_by_a_year_does_not_put_the_next_one_off(
    command: CommandLine, shifted: Shifted
) -> None:
    noon = to_noon()
    assert command("cleanup", **shifted(noon + 365 * DAYS)).returncode == 0
    assert command("cleanup", "--if-due", **shifted(noon + DAYS)).returncode == 0
    assert command.query("SELECT count(*) FROM sync_logs WHERE status = 'completed'") == [(2,)]
    assert command("cleanup", "--if-due", **shifted(noon + DAYS)).returncode == 0
    assert command.query("SELECT count(*) FROM sync_logs") == [(2,)], "once a day is enough"


@pytest.mark.parametrize("before", ["nothing", "sync", "failing sync", "refused cleanup"])
def test_a_clock_that_is_far_ahead_deletes_nothing(
    command: CommandLine, server: ExchangeServer, exchange: Exchange, shifted: Shifted, before: str
) -> None:
    ahead = shifted(200 * DAYS)
    stored, logged = command.query(ACTIVITY), command.query("SELECT count(*) FROM sync_logs")[0][0]
    if before == "failing sync":
        server.faults.add(Fault("reset_before_answer"))
    if "sync" in before:
        for job in ("whales", "markets"):
            command("sync", job, **ahead)
        logged += 2
    if before == "refused cleanup":
        command("cleanup", **ahead)
        logged += 1
    result = command("cleanup", **ahead)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "nothing was deleted: this machine's clock says" in result.stderr
    assert command("cleanup", "--dry-run", **ahead).returncode == 1
    assert command.query(ACTIVITY) == stored
    assert command.query("SELECT count(*) FROM sync_logs") == [(logged + 1,)]
    assert command("cleanup").returncode == 0, "by the right clock"
    assert command.query(ACTIVITY) == stored


def test_a_clock_that_is_hours_ahead_purges_by_the_exchange_s_time(
    command: CommandLine, server: ExchangeServer, exchange: Exchange, shifted: Shifted
) -> None:
    ahead = shifted(30 * HOURS)
    assert command("sync", "markets", **ahead).returncode == 0
    now = datetime.now(UTC)
    assert command("cleanup", "--retention-days", "1", **ahead).returncode == 0
    kept = [trade for wallet in exchange.wallets for trade in exchange.visible_trades(wallet)]
    young = sum(trade.created_at > (now - DAYS).timestamp() for trade in kept)
    assert young > 0
    assert command.query(ACTIVITY) == [(young,)]


def test_a_machine_without_a_network_purges_as_long_as_its_clock_moves_on(command: CommandLine) -> None:
    now = datetime.now(UTC)
    with Store.open(command.database) as store:
        answered = now - 40 * DAYS
        record_requests(store, {}, ExchangeTime(answered, answered))
        log_failures(store, [answered + number * 6 * HOURS for number in range(160)])
    assert command("cleanup", "--retention-days", "1").returncode == 0


def test_a_machine_that_was_off_purges_once_the_exchange_has_answered(
    command: CommandLine, server: ExchangeServer, shifted: Shifted
) -> None:
    with Store.open(command.database) as store, store.transaction() as transaction:
        for column in ("exchange_at", "machine_at"):
            transaction.execute(f"UPDATE exchange_clock SET {column} = '2026-01-01T00:00:00.000Z'")
        transaction.execute("UPDATE sync_logs SET started_at = '2026-01-01T00:00:00.000Z'")
    refused = command("cleanup")
    assert refused.returncode == 1
    assert "run `opinionscope sync markets`" in refused.stderr
    assert command("sync", "markets").returncode == 0
    assert command("cleanup").returncode == 0


def log_failures(store: Store, moments: list[datetime]) -> None:
    from opinionscope.store.sync_logs import log_failed

    for moment in moments:
        log_failed(store, JOB["whales"], "no connection", moment)


def test_trades_dated_far_ahead_count_in_no_window(command: CommandLine, exchange: Exchange, trading: Trading) -> None:
    trading(exchange)
    wallet = exchange.wallets[0]
    command("whales", "add", wallet)
    command("sync", "whales")
    command("stats")
    windows = "SELECT volume_24h, volume_7d, volume_30d FROM whales"
    before = command.query(windows)
    with Store.open(command.database) as store, store.transaction() as transaction:
        transaction.execute("INSERT INTO whale_hours (whale_id, hour, volume) SELECT id, 70389527, 1e6 FROM whales")
    command("stats")
    assert command.query(windows)[0] == pytest.approx(before[0])
