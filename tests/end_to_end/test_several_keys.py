"""Several API keys: each is used, one that is refused or slowed holds up nobody else, and none is ever shown."""

import json

import pytest

from opinionscope.api_keys import key_digest
from opinionscope.simulator import Exchange, ExchangeServer, Fault
from tests.conftest import CommandLine, Trading

KEYS = [f"secret-key-number-{number}" for number in range(1, 4)]
REFUSED = f"the exchange refuses API key 2 of 3 (digest {key_digest(KEYS[1])}): 11002"


@pytest.fixture
def server(command: CommandLine, trading: Trading) -> ExchangeServer:
    """An exchange with eight tracked wallets that accepts the three keys of the setting."""
    exchange = Exchange(seed=5, markets=5, wallets=8, history=30, trades_per_minute=0, market_churn_per_minute=0)
    server = trading(exchange, api_key=",".join(KEYS))
    command.settings["OPINION_TRADE_API_KEY"] = ",".join(KEYS)
    command("whales", "add", *exchange.wallets)
    return server


def sent_with(server: ExchangeServer) -> dict[str, int]:
    return {key: sum(request.key == key for request in server.requests) for key in KEYS}


def assert_no_key_is_in(command: CommandLine, printed: str) -> None:
    folders = (command.home, command.database.parent)
    written = b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())
    assert len(written) > 4096
    for key in KEYS:
        assert key not in printed
        assert key.encode() not in written


def test_all_keys_are_used_and_none_is_shown_even_if_the_exchange_echoes_it(
    command: CommandLine, server: ExchangeServer
) -> None:
    server.faults.add(Fault("echo_key"))
    results = [command("sync", "markets", "--verbose"), command("sync", "whales", "--verbose"), command("status")]
    assert min(sent_with(server).values()) > 0
    assert "3 keys × 500/s = 1500/s" in results[-1].stdout.replace("\n", " ").replace("  ", " ")
    assert_no_key_is_in(command, "".join(result.stdout + result.stderr for result in results))


def test_a_key_that_is_refused_is_set_aside_and_said_once(command: CommandLine, server: ExchangeServer) -> None:
    server.api_key = f"{KEYS[0]},{KEYS[2]}"
    result = command("sync", "whales")
    run = command.last_run("whales")
    assert (result.returncode, run["status"], run["failed_count"]) == (1, "partial", 0)
    assert run["error"].startswith(REFUSED)
    assert run["error"].count("refuses") == 1
    assert command.query("SELECT count(*) FROM whales WHERE last_error IS NULL AND last_polled_at IS NOT NULL") == [
        (8,)
    ]
    checked = command("check")
    assert REFUSED in checked.stdout
    assert "2 of 3 accepted by the exchange" in checked.stdout
    assert_no_key_is_in(command, result.stdout + result.stderr + checked.stdout + checked.stderr)


def test_a_key_that_is_refused_is_asked_no_more_in_this_run(command: CommandLine, server: ExchangeServer) -> None:
    server.api_key = f"{KEYS[0]},{KEYS[2]}"
    command("sync", "whales", OPINIONSCOPE_RATE_LIMIT="40")
    keys = [request.key for request in server.requests]
    # One per wallet at most may be on its way when the first refusal comes.
    assert KEYS[1] in keys[:8]
    assert KEYS[1] not in keys[-8:]
    assert len(keys) > 16


def test_when_all_keys_are_refused_the_configuration_is_wrong(command: CommandLine, server: ExchangeServer) -> None:
    server.api_key = "another"
    result = command("sync", "whales")
    assert result.returncode == 78
    assert "the exchange refuses all 3 API keys: 11002" in result.stderr
    assert command.last_run("whales")["status"] == "failed"
    checked = command("check").stdout.replace("\n", " ")
    assert "the exchange refuses all 3 API keys" in checked
    assert_no_key_is_in(command, result.stdout + result.stderr + checked)


def test_a_key_that_is_asked_to_slow_down_waits_and_the_others_do_the_work(
    command: CommandLine, server: ExchangeServer
) -> None:
    server.limits[KEYS[0]] = 0
    command.settings["OPINIONSCOPE_RATE_LIMIT"] = "10"
    result = command("sync", "whales")
    assert (result.returncode, result.stderr) == (0, "")
    sent = sent_with(server)
    assert 2 <= sent[KEYS[0]] < min(sent[KEYS[1]], sent[KEYS[2]])
    requests = json.loads(command("status", "--json").stdout)["requests"]
    assert (requests["keys"], requests["limit_per_second"]) == (3, 30)
    assert 20 < requests["allowed_per_second"] < 30
