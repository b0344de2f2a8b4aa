"""Where the list of markets ends, and where its details are: the real command on servers that page oddly."""

import pytest

from opinionscope.simulator import Fault
from tests.conftest import CommandLine, Trading
from tests.end_to_end.still_markets import binaries, listed_keys, paths, row_of, still_exchange, stored, topics


@pytest.mark.parametrize("size", [30, 57])
def test_a_server_that_gives_ten_entries_a_page_has_its_whole_list_read(
    command: CommandLine, trading: Trading, size: int
) -> None:
    exchange = still_exchange(markets=size)
    server = trading(exchange)
    server.faults.add(Fault("page_of_10"))
    for _ in range(2):
        server.forget()
        assert command("sync", "markets").returncode == 0
        assert set(stored(command)) == listed_keys(exchange)
        assert paths(server) == {"/market": -(-size // 10)}, "nothing counts as departed"


def test_a_list_that_repeats_its_pages_ends_and_says_so(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=90)
    server = trading(exchange)
    server.faults.add(Fault("ignored_page"))
    result = command("sync", "markets")
    assert result.returncode == 1
    assert "page 2 of the list shows once more what earlier pages have shown: 48 of 90 markets" in result.stderr
    assert command.last_run("markets")["status"] == "partial"
    assert len(server.requests) == 2
    assert len([key for key, row in stored(command).items() if row["market_type"] != "child"]) == 48
    server.faults.clear()
    assert command("sync", "markets").returncode == 0
    assert set(stored(command)) == listed_keys(exchange)


def test_a_short_list_that_is_the_same_for_every_page_is_complete(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=40)
    server = trading(exchange)
    server.faults.add(Fault("ignored_page"))
    assert command("sync", "markets").returncode == 0
    assert set(stored(command)) == listed_keys(exchange)


@pytest.mark.parametrize(
    ("base", "path", "below"),
    [("", "/openapi/market", "/openapi/market"), ("/openapi", "/market/list", "/openapi/market")],
)
def test_details_are_looked_up_below_the_path_of_the_markets(
    command: CommandLine, trading: Trading, base: str, path: str, below: str
) -> None:
    exchange = still_exchange(markets=12)
    server = trading(exchange)
    command.settings["OPINION_TRADE_BASE_URL"] = server.url.removesuffix("/openapi") + base
    command.settings["OPINION_TRADE_MARKETS_PATH"] = path
    command("sync", "markets")
    binary, topic = binaries(exchange)[0], topics(exchange)[0]["marketId"]
    exchange.close_market(binary)
    exchange.close_market(topic, categorical=True)
    server.forget()
    assert command("sync", "markets").returncode == 0
    assert {request.path for request in server.requests} == {
        base + path,
        f"{below}/{binary}",
        f"{below}/categorical/{topic}",
    }
    assert row_of(command, binary)["status"] == row_of(command, topic, topic=True)["status"] == "resolved"
