"""`--verbose`: what a run does, for somebody who looks into it, and never a secret."""

import pytest

from opinionscope.simulator import Exchange, Fault
from tests.conftest import CommandLine, Trading


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(markets=5, wallets=1, history=30, trades_per_minute=0, market_churn_per_minute=0)


@pytest.mark.parametrize("words", [("--verbose", "sync", "whales"), ("sync", "whales", "--verbose")])
def test_it_shows_requests_with_status_and_time_and_transactions_but_not_the_key(
    command: CommandLine, trading: Trading, exchange: Exchange, words: tuple[str, ...]
) -> None:
    trading(exchange)
    command("whales", "add", exchange.wallets[0])

    run = command(*words)

    assert run.returncode == 0
    assert run.stdout == ""
    assert f"GET /trade/user/{exchange.wallets[0]}" in run.stderr
    assert "HTTP 200" in run.stderr
    assert "transaction committed in" in run.stderr
    assert command.settings["OPINION_TRADE_API_KEY"] not in run.stderr


def test_it_shows_each_retry_with_its_wait(command: CommandLine, trading: Trading, exchange: Exchange) -> None:
    server = trading(exchange)
    server.faults.add(Fault("503", times=1))

    run = command("sync", "markets", "--verbose")

    assert run.returncode == 0
    assert "try 1 failed (exchange error (HTTP 503)); next in" in run.stderr


def test_without_it_a_run_that_succeeds_is_silent(command: CommandLine, trading: Trading, exchange: Exchange) -> None:
    trading(exchange)

    run = command("sync", "markets")

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
