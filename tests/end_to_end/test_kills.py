"""The kill matrix: each job is killed at moments drawn by chance, again and again, and the next run puts all right."""

import json
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress

import pytest

from opinionscope.simulator import Exchange, Fault
from tests.alerts.receiver import receiving
from tests.conftest import CommandLine, Trading
from tests.end_to_end.truth import assert_no_trade_is_wrong, assert_trades_are_exact, stored_markets, true_markets
from tests.rounds import rounds

ROUNDS = rounds(5)
KEEP_ALL = {"OPINIONSCOPE_RETENTION_DAYS": "36500"}
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

Prepare = Callable[[int], tuple[str, ...]]
"""Gives the job of a round something to do; the words that start it."""


@pytest.fixture
def exchange(command: CommandLine, trading: Trading) -> Exchange:
    """An exchange that stands still, three of its wallets tracked, their history stored, all markets stored."""
    exchange = Exchange(seed=23, markets=60, wallets=3, history=400, trades_per_minute=0, market_churn_per_minute=0)
    trading(exchange)
    command.settings |= KEEP_ALL
    command("whales", "add", *exchange.wallets)
    for job in ("markets", "whales"):
        assert command("sync", job).returncode == 0
    return exchange


def kill_again_and_again(command: CommandLine, job: str, prepare: Prepare) -> Counter[str]:
    """Start the job `ROUNDS` times and kill it at a moment drawn by chance; how the runs ended by the log."""
    chance = random.Random(f"{job}:{ROUNDS}")
    typical = duration(command, prepare(-1))
    for number in range(ROUNDS):
        words, killed_before, how = prepare(number), running(command), chance.choice(SIGNALS)
        run = command.start_python(*words)
        if chance.random() < 0.3:
            wait(run, chance.uniform(0.0, typical))
        else:
            wait_for_work(command, run, killed_before)
            wait(run, 0.4 * typical * chance.random() ** 4)  # most of them soon: the work of some jobs is short
        run.send_signal(how)
        _, stderr = run.communicate(timeout=60)
        assert integrity(command) == "ok"
        if how != signal.SIGKILL:
            assert running(command) in ([], killed_before), "closed by the run itself"
        if run.returncode >= 0 and "Traceback" not in stderr:  # an interpreter that is just starting has only that
            assert stderr in ("", "opinionscope: interrupted\n", "opinionscope: aborted\n")
    assert command(*prepare(ROUNDS)).returncode == 0, "locks are free"
    assert not running(command)
    log = command.query("SELECT status || ifnull(': ' || error, '') FROM sync_logs WHERE type = ?", (job,))
    endings = Counter(row[0] for row in log)
    by_hand, by_signal, killed = "interrupted: interrupted", "failed: interrupted", "failed: killed before it ended"
    assert endings.keys() <= {"completed", by_hand, by_signal, killed}
    return endings


def duration(command: CommandLine, words: tuple[str, ...]) -> float:
    began = time.monotonic()
    run = command.start_python(*words)  # from its very start, as those that are killed
    run.communicate()
    assert run.returncode == 0
    return time.monotonic() - began


def wait(run: "subprocess.Popen[str]", seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        run.wait(seconds)


def wait_for_work(command: CommandLine, run: "subprocess.Popen[str]", killed_before: list[tuple[object, ...]]) -> None:
    """Wait until the run has opened its row in the log, or ended."""
    while run.poll() is None and running(command) in ([], killed_before):
        time.sleep(0.002)


def running(command: CommandLine) -> list[tuple[object, ...]]:
    return command.query("SELECT * FROM sync_logs WHERE status = 'running'")


def integrity(command: CommandLine) -> str:
    with closing(sqlite3.connect(command.database)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def test_sync_whales_killed_anywhere_loses_and_doubles_no_trade(command: CommandLine, exchange: Exchange) -> None:
    def trade_on(number: int) -> tuple[str, ...]:
        for wallet in exchange.wallets:
            twins = [exchange.make_trade(wallet)] * 2
            exchange.add_trades(wallet, [*twins, *(exchange.make_trade(wallet) for _ in range(30))])
        assert_no_trade_is_wrong(command, exchange)
        return "sync", "whales"

    print(kill_again_and_again(command, "whales", trade_on))  # noqa: T201 - the figures of a long hunt
    assert command("sync", "whales").returncode == 0
    assert_trades_are_exact(command, exchange)


def test_sync_markets_killed_anywhere_stores_no_wrong_market(command: CommandLine, exchange: Exchange) -> None:
    def move_on(number: int) -> tuple[str, ...]:
        for market in exchange.markets()[number % 7 :: 7]:
            title = f"{market['marketId']} in round {number}"
            exchange.rename_market(market["marketId"], title, categorical=market["marketType"] == 1)
        exchange.open_market(f"Opened in round {number}", options=("one", "two"))
        return "sync", "markets"

    print(kill_again_and_again(command, "markets", move_on))  # noqa: T201
    assert stored_markets(command) == true_markets(exchange)


def test_stats_killed_anywhere_leaves_whole_figures(command: CommandLine, exchange: Exchange) -> None:
    figures = "SELECT trade_count, total_volume, realized_profit, volume_30d FROM whales ORDER BY address"
    assert command("stats").returncode == 0
    before = command.query(figures)
    print(kill_again_and_again(command, "stats", lambda _: ("stats",)))  # noqa: T201
    for row, figure in zip(command.query(figures), before, strict=True):
        assert row == pytest.approx(figure)


def test_cleanup_killed_anywhere_takes_rows_and_never_totals(command: CommandLine, exchange: Exchange) -> None:
    figures = "SELECT known_trades, traded_count, traded_volume FROM whales ORDER BY address"
    before = command.query(figures)

    def a_little_less(number: int) -> tuple[str, ...]:
        days = 118 - int(110 * (number + 1) / (ROUNDS + 1))
        return "cleanup", "--retention-days", str(days)

    print(kill_again_and_again(command, "cleanup", a_little_less))  # noqa: T201
    assert command.query(figures) == before
    stored, known = command.query(
        "SELECT (SELECT count(*) FROM whale_activity), (SELECT count(*) FROM whale_activity) "
        "+ (SELECT sum(copies) FROM counted_trades)"
    )[0]
    assert 0 < stored < known == sum(len(exchange.visible_trades(wallet)) for wallet in exchange.wallets)
    assert command("sync", "whales").returncode == 0
    assert command.last_run("whales")["item_count"] == 0, "what was purged does not come back"


def test_ctrl_c_is_neither_a_success_nor_a_failure(command: CommandLine, trading: Trading) -> None:
    exchange = Exchange(seed=5, markets=9, wallets=2, trades_per_minute=0, market_churn_per_minute=0)
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    server.faults.add(Fault("500"))
    command.settings["OPINIONSCOPE_MAX_ATTEMPTS"] = "1"
    with receiving() as receiver:
        command.settings |= {
            "OPINIONSCOPE_ALERT_URLS": receiver.alert_url,
            "OPINIONSCOPE_ALERT_AFTER": "2",
            "OPINIONSCOPE_PING_URL": receiver.url,
        }
        for job in ("markets", "whales"):
            assert command("sync", job).returncode == 1
            server.faults.clear()
            server.faults.add(Fault("hang"))
            server.forget()
            receiver.received.clear()
            run = command.start("sync", job)
            end = time.monotonic() + 20
            while not (server.requests and receiver.received) and time.monotonic() < end:
                time.sleep(0.01)
            run.send_signal(signal.SIGINT)
            _, stderr = run.communicate(timeout=60)
            assert (run.returncode, stderr) == (130, "opinionscope: interrupted\n")
            row = command.last_run(job)
            assert (row["status"], row["error"], row["ended_at"] is None) == ("interrupted", "interrupted", False)
            assert [path for _, path in receiver.signals] == ["/ping/start"]
            jobs = json.loads(command("status", "--json").stdout)["jobs"]
            (judged,) = [entry for entry in jobs if entry["job"] == job]
            assert (judged["last_status"], judged["failures_in_a_row"]) == ("interrupted", 1)
            server.faults.clear()
            server.faults.add(Fault("500"))
            command("sync", job)
            assert [request.path for request in receiver.received].count("/alerts") == 1, "the second failure in a row"


def test_a_second_signal_does_not_keep_the_row_from_being_closed(command: CommandLine, trading: Trading) -> None:
    exchange = Exchange(seed=5, markets=9, wallets=2, trades_per_minute=0, market_churn_per_minute=0)
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    server.faults.add(Fault("hang"))
    for job in ("markets", "whales"):
        server.forget()
        run = command.start("sync", job)
        end = time.monotonic() + 20
        while not server.requests and time.monotonic() < end:
            time.sleep(0.01)
        for _ in range(20):
            run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
        assert run.returncode in (1, -signal.SIGTERM), "the last one may come when all is done"
        assert (command.last_run(job)["status"], command.last_run(job)["error"]) == ("failed", "interrupted")
