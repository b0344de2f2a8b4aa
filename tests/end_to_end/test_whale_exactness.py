"""The real command and a wallet that trades on while runs are killed, doubled, disturbed and purged: all is there."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic, sleep, time
from typing import Any

import pytest

from opinionscope.simulator import Exchange, Fault, SimulatedTrade
from tests.conftest import CommandLine, Trading

DAY = 86_400
Record = tuple[Any, ...]


def still_exchange(history: int) -> Exchange:
    return Exchange(seed=17, markets=20, wallets=1, history=history, trades_per_minute=0, market_churn_per_minute=0)


def record(trade: SimulatedTrade) -> Record:
    second = datetime.fromtimestamp(trade.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    figures = (trade.price, trade.tokens, trade.amount, trade.fee, trade.profit)
    return (
        second,
        trade.tx_hash,
        str(trade.market_id),
        str(trade.root_market_id),
        trade.side.upper(),
        trade.outcome,
        trade.outcome_side,
        *map(float, figures),
    )


def stored(command: CommandLine) -> "Counter[Record]":
    rows = command.query(
        "SELECT timestamp, tx_hash, market_external_id, root_market_external_id, action, outcome, outcome_side, "
        "price, shares, amount, fee, profit FROM whale_activity"
    )
    return Counter(rows)


def counted(command: CommandLine) -> int:
    return int(command.query("SELECT ifnull(sum(copies), 0) FROM counted_trades")[0][0])


def truth(exchange: Exchange, since: float = 0) -> "Counter[Record]":
    trades = exchange.visible_trades(exchange.wallets[0])
    return Counter(record(trade) for trade in trades if trade.created_at >= since)


def assert_nothing_is_doubled(command: CommandLine, exchange: Exchange) -> None:
    have = stored(command)  # before the truth is looked at: the truth only grows
    assert not have - truth(exchange)


def assert_all_is_there(command: CommandLine, exchange: Exchange) -> None:
    assert stored(command) == truth(exchange)
    assert counted(command) == 0
    ((known, total),) = command.query("SELECT known_trades, api_total FROM whales")
    assert known == total == truth(exchange).total()


class Bustle:
    """A wallet's trading, as wild as it gets: bursts, copies, shared transactions, trades that show up late."""

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self._exchange = exchange
        self._wallet = exchange.wallets[0]
        self._random = random.Random(seed)

    def burst(self, size: int) -> None:
        """Some trades of this moment, of which some agree in all and some in all but the fee."""
        trades = [self._exchange.make_trade(self._wallet, side=self._random.choice(["Buy", "Sell", "Split", "Merge"]))]
        while len(trades) < size:
            chance = self._random.random()
            same = trades[-1]
            if chance < 0.4:
                trades.append(same)
            elif chance < 0.6:
                trades.append(self._exchange.make_trade(self._wallet, tx_hash=same.tx_hash, shares=f"{size}.0"))
            else:
                trades.append(self._exchange.make_trade(self._wallet, fee=f"0.{self._random.randrange(100):02}"))
        self._exchange.add_trades(self._wallet, trades)

    def late(self) -> None:
        """Some trades that were filled long ago, next to or equal to trades that the list has shown."""
        for trade in self._random.sample(self._exchange.visible_trades(self._wallet), 4):
            fill = self._exchange.make_trade(self._wallet, created_at=trade.created_at, visible_at=0)
            self._exchange.add_trades(self._wallet, [trade, fill])

    @contextmanager
    def open(self, pause: float) -> Iterator[None]:
        """SimulatedTrade in a thread of its own until the block ends."""
        closed = threading.Event()

        def trade() -> None:
            while not closed.wait(pause):
                self.burst(self._random.choice([1, 2, 5, 21, 45]))
                if self._random.random() < 0.3:
                    self.late()

        trader = threading.Thread(target=trade)
        trader.start()
        try:
            yield
        finally:
            closed.set()
            trader.join()


@pytest.fixture
def exchange(command: CommandLine, trading: Trading) -> Exchange:
    """A still exchange with one wallet, tracked, and room for all its history within the retention."""
    exchange = still_exchange(2_200)
    trading(exchange, latency=0.004)
    command.settings |= {"OPINIONSCOPE_RETENTION_DAYS": "200", "OPINIONSCOPE_RATE_LIMIT": "400"}
    assert command("whales", "add", exchange.wallets[0]).returncode == 0
    return exchange


def finish(command: CommandLine) -> None:
    """The two runs after the trading has stopped."""
    for _ in range(2):
        assert command("sync", "whales").returncode == 0


def test_a_long_history_is_complete_after_runs_that_were_each_too_short(
    command: CommandLine, exchange: Exchange
) -> None:
    command.settings["OPINIONSCOPE_RATE_LIMIT"] = "40"
    with Bustle(exchange, 1).open(pause=0.2):
        for _ in range(3):
            assert command("sync", "whales", OPINIONSCOPE_RUN_BUDGET="1").returncode == 0
            assert_nothing_is_doubled(command, exchange)
    assert 0 < stored(command).total() < truth(exchange).total(), "the runs were not too short"
    command.settings["OPINIONSCOPE_RATE_LIMIT"] = "400"
    finish(command)
    assert_all_is_there(command, exchange)


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_killed_at_any_moment_lose_and_double_nothing(command: CommandLine, exchange: Exchange, seed: int) -> None:
    chance = random.Random(seed)
    with Bustle(exchange, seed).open(pause=0.05):
        for _ in range(5):
            before = stored(command).total()
            run = command.start("sync", "whales")
            end = monotonic() + 5
            while monotonic() < end and run.poll() is None and stored(command).total() == before:
                sleep(0.005)
            sleep(chance.uniform(0, 0.15))
            run.kill()
            run.communicate()
            assert_nothing_is_doubled(command, exchange)
    finish(command)
    assert_all_is_there(command, exchange)


def test_two_runs_at_once_and_a_failing_exchange_lose_and_double_nothing(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(2_000)
    server = trading(exchange, latency=0.004)
    command.settings |= {"OPINIONSCOPE_RETENTION_DAYS": "200", "OPINIONSCOPE_RATE_LIMIT": "400"}
    command("whales", "add", exchange.wallets[0])
    with Bustle(exchange, 3).open(pause=0.05):
        for skip in (30, 3):
            server.faults.add(Fault("503", skip=skip, times=100))
            runs = [command.start("sync", "whales") for _ in range(2)]
            outputs = [run.communicate(timeout=60) for run in runs]
            assert sorted(run.returncode for run in runs) == [0, 1], outputs
            server.faults.clear()
            assert_nothing_is_doubled(command, exchange)
    finish(command)
    assert_all_is_there(command, exchange)
    statuses = [row[0] for row in command.query("SELECT status FROM sync_logs WHERE type = 'whales'")]
    assert statuses.count("skipped") == 2


def test_purged_trades_that_are_still_listed_are_counted_once_and_not_stored_again(
    command: CommandLine, exchange: Exchange
) -> None:
    command("sync", "whales")
    for days in (60, 30):
        with Bustle(exchange, days).open(pause=0.2):
            purge = command.start("cleanup", "--retention-days", str(days))
            assert command("sync", "whales").returncode == 0
            assert purge.wait(60) == 0
        command.settings["OPINIONSCOPE_RETENTION_DAYS"] = str(days)
        assert_nothing_is_doubled(command, exchange)
    finish(command)
    assert command("cleanup").returncode == 0
    finish(command)

    # Trades age while the test runs: those within a minute of the limit may be on either side of it.
    limit = time() - 30 * DAY
    assert not truth(exchange, since=limit + 60) - stored(command)
    assert not stored(command) - truth(exchange, since=limit - 60)
    assert stored(command).total() + counted(command) == truth(exchange).total()
    ((known, total, traded),) = command.query("SELECT known_trades, api_total, traded_count FROM whales")
    assert known == total == truth(exchange).total()
    listed = exchange.visible_trades(exchange.wallets[0])
    assert traded == sum(trade.is_filled and record(trade)[4] in ("BUY", "SELL") for trade in listed)
