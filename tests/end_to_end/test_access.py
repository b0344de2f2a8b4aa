"""Who is served: a place that the exchange does not serve, what stands in front of it, and its own troubles."""

import pytest

from opinionscope.simulator import Exchange, ExchangeServer, Fault
from tests.conftest import CommandLine, Trading

BLOCKED = "Opinion does not serve this machine's location"
GEO_BLOCKS = ["geo_block_2025", "geo_block_2026"]


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(seed=5, markets=6, wallets=40, history=3, trades_per_minute=0, market_churn_per_minute=0)


@pytest.fixture
def server(command: CommandLine, trading: Trading, exchange: Exchange) -> ExchangeServer:
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    return server


@pytest.mark.parametrize("fault", GEO_BLOCKS)
@pytest.mark.parametrize("job", ["markets", "whales"])
def test_a_location_that_is_not_served_ends_the_run_at_the_first_answer(
    command: CommandLine, server: ExchangeServer, fault: str, job: str
) -> None:
    server.faults.add(Fault(fault))
    result = command("sync", job)
    assert result.returncode == 78
    assert BLOCKED in result.stderr
    assert result.stderr.count("\n") == 1
    assert "KEY" not in result.stderr
    run = command.last_run(job)
    assert (run["status"], BLOCKED in run["error"]) == ("failed", True)
    assert len(server.requests) <= (1 if job == "markets" else 16), "those that were under way, and no other"


@pytest.mark.parametrize("fault", GEO_BLOCKS)
def test_the_check_tells_of_a_location_that_is_not_served(
    command: CommandLine, server: ExchangeServer, fault: str
) -> None:
    server.faults.add(Fault(fault))
    result = command("check")
    assert result.returncode == 1
    assert BLOCKED in result.stdout
    assert "Check OPINION_TRADE_API_KEY" not in result.stdout


@pytest.mark.parametrize("fault", ["403_html", "451_html"])
@pytest.mark.parametrize("job", ["markets", "whales"])
def test_a_refusal_from_in_front_of_the_exchange_is_told_as_such(
    command: CommandLine, server: ExchangeServer, fault: str, job: str
) -> None:
    server.faults.add(Fault(fault))
    result = command("sync", job)
    assert result.returncode == 1
    assert "something between this machine and the exchange blocks it" in result.stderr
    assert "KEY" not in result.stderr
    assert command.last_run(job)["status"] == "failed"


def test_an_internal_failure_of_the_exchange_is_retried(command: CommandLine, server: ExchangeServer) -> None:
    server.faults.add(Fault("errno_10004", times=2))
    assert command("sync", "markets").returncode == 0
    assert command.last_run("markets")["request_count"] == 1 + 2


def test_an_internal_failure_that_lasts_is_the_trouble_of_the_exchange(
    command: CommandLine, server: ExchangeServer
) -> None:
    server.faults.add(Fault("errno_10004"))
    result = command("sync", "markets")
    assert result.returncode == 1
    assert "the exchange failed internally (10004)" in result.stderr


def test_odd_headers_do_no_harm(command: CommandLine, server: ExchangeServer) -> None:
    server.faults.add(Fault("odd_headers"))
    for job in ("markets", "whales"):
        assert command("sync", job).returncode == 0
