"""What `sync markets` concludes from odd answers of the live API: the real command on an exchange that gives them."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from opinionscope.simulator import Exchange, ExchangeServer, Fault, SimulatedTrade
from tests.conftest import CommandLine, Trading
from tests.end_to_end.test_sync_markets import binaries, listed_keys, still_exchange, stored, topics

WALLET = "0x" + "ab" * 20


def paths(server: ExchangeServer) -> "Counter[str]":
    """How often each path below the base URL was asked for."""
    return Counter(request.path.removeprefix("/openapi") for request in server.requests)


def topic_of_several(exchange: Exchange) -> dict[str, Any]:
    return next(topic for topic in topics(exchange) if len(topic["childMarkets"]) > 3)


def store_trades(command: CommandLine, exchange: Exchange, *trades: SimulatedTrade) -> None:
    """Have a tracked wallet make the trades, and sync them."""
    exchange.add_wallet(WALLET)
    exchange.add_trades(WALLET, trades)
    command("whales", "add", WALLET)
    command("sync", "whales")


def row_of(command: CommandLine, number: int, *, topic: bool = False) -> dict[str, Any]:
    return stored(command)[str(number), topic]


def test_a_topic_and_a_market_of_one_number_are_two_rows(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=30)
    trading(exchange)
    twins = {topic["marketId"]: topic["marketTitle"] for topic in topics(exchange)}
    markets = {
        each["marketId"]: each["marketTitle"]
        for market in exchange.markets()
        for each in market["childMarkets"] or [market]
    }
    both = twins.keys() & markets.keys()
    assert len(both) > 3

    for _ in range(2):
        assert command("sync", "markets").returncode == 0
        for number in both:
            assert row_of(command, number, topic=True)["title"] == twins[number]
            assert row_of(command, number)["title"].endswith(markets[number])


def test_the_detail_of_the_right_one_of_two_twins_is_asked_for(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=30)
    server = trading(exchange)
    command("sync", "markets")
    twin = next(topic["marketId"] for topic in topics(exchange) if topic["marketId"] in binaries(exchange))
    exchange.close_market(twin, status=5)
    server.forget()
    command("sync", "markets")
    assert paths(server) == {"/market": 2, f"/market/{twin}": 1}
    assert row_of(command, twin)["status"] == "failed"
    assert row_of(command, twin, topic=True)["status"] == "activated"


def test_a_topic_that_has_closed_is_resolved_with_all_its_children_by_one_request(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=30)
    server = trading(exchange)
    command("sync", "markets")
    topic = topic_of_several(exchange)
    exchange.close_market(topic["marketId"], status=4, categorical=True)
    for run in range(3):
        server.forget()
        assert command("sync", "markets").returncode == 0
        detail = {f"/market/categorical/{topic['marketId']}": 1} if run == 0 else {}
        assert paths(server) == {"/market": 2} | detail, "final is final"
    assert row_of(command, topic["marketId"], topic=True)["status"] == "resolved"
    for child in topic["childMarkets"]:
        row = row_of(command, child["marketId"])
        side = "yes_token_id" if exchange.winning_side(child["marketId"]) == 1 else "no_token_id"
        assert (row["status"], row["result_token_id"]) == ("resolved", row[side])


def test_a_child_that_is_decided_alone_is_found_by_one_request_for_its_topic(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=30)
    server = trading(exchange)
    command("sync", "markets")
    topic = topic_of_several(exchange)
    decided = [child["marketId"] for child in topic["childMarkets"]][:2]
    exchange.close_market(decided[0], status=4)
    exchange.close_market(decided[1], status=5)
    server.forget()
    assert command("sync", "markets").returncode == 0
    assert paths(server) == {"/market": 2, f"/market/categorical/{topic['marketId']}": 1}
    assert [row_of(command, child)["status"] for child in decided] == ["resolved", "failed"]
    assert row_of(command, topic["marketId"], topic=True)["status"] == "activated"
    assert row_of(command, decided[0])["title"].startswith(f"{topic['marketTitle']}: ")


def test_a_topic_is_resolving_while_its_last_options_are(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=30)
    trading(exchange)
    command("sync", "markets")
    topic = topic_of_several(exchange)["marketId"]
    for status, word in ((3, "resolving"), (4, "resolved")):
        exchange.close_market(topic, status=status, categorical=True)
        command("sync", "markets")
        assert row_of(command, topic, topic=True)["status"] == word


def test_the_volume_of_a_topic_is_that_of_its_children_and_not_the_doubled_one_of_the_list(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=30)
    server = trading(exchange)
    command("sync", "markets")
    decided = topic_of_several(exchange)["childMarkets"][0]["marketId"]
    exchange.close_market(decided)
    for fault in (None, "500"):
        if fault:
            server.faults.add(Fault(fault, path_contains="/market/categorical/"))
        command("sync", "markets")
        for topic in topics(exchange):
            row = row_of(command, topic["marketId"], topic=True)
            for column, name in (("volume", "volume"), ("volume_24h", "volume24h"), ("volume_7d", "volume7d")):
                assert row[column] == pytest.approx(float(Decimal(topic[name]) / 2), rel=1e-12)


def test_a_market_that_was_deleted_is_no_failure_and_not_asked_for_again(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=30)
    server = trading(exchange)
    command("sync", "markets")
    binary, topic = binaries(exchange)[0], topic_of_several(exchange)
    exchange.close_market(binary, status=6)
    exchange.close_market(topic["childMarkets"][0]["marketId"], status=6)
    server.forget()
    assert command("sync", "markets").returncode == 0
    assert paths(server).total() == 2 + 1 + 2, "the topic no longer tells of its child, which is asked for by itself"
    run = command.last_run("markets")
    assert (run["status"], run["failed_count"], run["error"]) == ("completed", 0, None)
    for number in (binary, topic["childMarkets"][0]["marketId"]):
        assert row_of(command, number)["status"] == "deleted"
        assert row_of(command, number)["title"]

    server.forget()
    command("sync", "markets")
    assert paths(server).keys() == {"/market"}


def test_a_topic_that_was_deleted_takes_its_options_with_it(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=30)
    server = trading(exchange)
    command("sync", "markets")
    topic = next(topic for topic in topics(exchange) if shows_all_options(topic))
    exchange.close_market(topic["marketId"], status=6, categorical=True)
    assert command("sync", "markets").returncode == 0
    assert row_of(command, topic["marketId"], topic=True)["status"] == "deleted"
    assert {row_of(command, child["marketId"])["status"] for child in topic["childMarkets"]} == {"deleted"}
    server.forget()
    command("sync", "markets")
    assert paths(server).keys() == {"/market"}


def shows_all_options(topic: dict[str, Any]) -> bool:
    """Whether the list leaves none of the topic's options out."""
    total = sum(Decimal(child["volume"]) for child in topic["childMarkets"])
    return 2 * total == Decimal(topic["volume"])


def test_the_requests_of_ten_runs_on_a_still_exchange_fall_to_the_pages_of_the_list_alone(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=90, wallets=3, history=400)
    server = trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
    command("whales", "add", *exchange.wallets)
    command("sync", "whales")
    command("sync", "markets")
    for number, market in enumerate(exchange.markets()[::6]):
        categorical = market["marketType"] == 1
        exchange.close_market(market["marketId"], status=3 + number % 4, categorical=categorical)
    for topic in topics(exchange)[::3]:
        exchange.close_market(topic["childMarkets"][0]["marketId"], status=4 + len(topic["childMarkets"]) % 3)

    requests = []
    for _ in range(10):
        server.forget()
        assert command("sync", "markets").returncode == 0
        requests.append(len(server.requests))
        assert paths(server)["/market"] == 4
    assert requests[0] > 15
    assert requests[-1] == 4, requests
    assert requests == sorted(requests, reverse=True)
    unsettled = {key for key, row in stored(command).items() if row["status"] in ("activated", "resolving")}
    true = {key for key in unsettled if exchange.market_status(int(key[0]), categorical=key[1]) in (2, 3)}
    assert unsettled == true >= listed_keys(exchange)


def test_a_market_that_only_trades_name_is_looked_up_by_its_topic_and_has_its_title_labels_and_result(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=12)
    server = trading(exchange)
    topic, binary = topic_of_several(exchange), binaries(exchange)[1]
    child = topic["childMarkets"][0]["marketId"]
    store_trades(command, exchange, *(exchange.make_trade(WALLET, market_id=each) for each in (child, child, binary)))
    exchange.close_market(topic["marketId"], categorical=True)
    exchange.close_market(binary)

    assert command("sync", "markets").returncode == 0

    assert paths(server)[f"/market/categorical/{topic['marketId']}"] == 1
    assert paths(server)[f"/market/{binary}"] == 1
    for number, title in (
        (child, f"{topic['marketTitle']}: {topic['childMarkets'][0]['marketTitle']}"),
        (binary, None),
    ):
        row = row_of(command, number)
        assert (row["status"], row["labels"]) != ("activated", "[]")
        assert title in (None, row["title"])
        side = "yes_token_id" if exchange.winning_side(number) == 1 else "no_token_id"
        assert row["result_token_id"] == row[side]
    assert row_of(command, child)["parent_external_id"] == str(topic["marketId"])
    server.forget()
    command("sync", "markets")
    assert paths(server).keys() == {"/market"}


def test_a_market_that_only_trades_name_and_that_is_gone_is_deleted_under_the_title_of_its_trades(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=6)
    server = trading(exchange)
    names = {"market_title": "Yes, by June", "root_market_title": "Will it?"}
    orphans = [exchange.make_trade(WALLET, market_id=n, root_market_id=9_001, **names) for n in (9_100, 9_101)]
    store_trades(command, exchange, *orphans, exchange.make_trade(WALLET, market_id=9_200, root_market_id=0))
    assert command("sync", "markets").returncode == 0
    asked = {path: count for path, count in paths(server).items() if "90" in path or "91" in path or "92" in path}
    assert asked == {"/market/categorical/9001": 1, "/market/9100": 1, "/market/9101": 1, "/market/9200": 1}
    for number in (9_100, 9_101):
        row = row_of(command, number)
        assert (row["status"], row["title"], row["market_type"]) == ("deleted", "Will it?: Yes, by June", "child")
    assert row_of(command, 9_200)["market_type"] == "binary"
    server.forget()
    command("sync", "markets")
    assert paths(server).keys() == {"/market"}


def test_an_option_whose_topic_is_not_shown_keeps_the_title_that_its_trades_give_it(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=12)
    trading(exchange)
    topic = topic_of_several(exchange)
    child = topic["childMarkets"][0]
    exchange.close_market(child["marketId"])
    store_trades(command, exchange, exchange.make_trade(WALLET, market_id=child["marketId"], root_market_id=9_001))
    assert command("sync", "markets").returncode == 0
    row = row_of(command, child["marketId"])
    assert (row["market_type"], row["parent_external_id"], row["status"]) == ("child", "9001", "resolved")
    assert row["title"] == f"{topic['marketTitle']}: {child['marketTitle']}"


def test_lookups_are_bounded_and_the_latest_traded_come_first(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=6)
    server = trading(exchange)
    now = int(exchange.clock())
    trades = [
        exchange.make_trade(WALLET, market_id=10_000 + age, root_market_id=0, created_at=now - 60 * age)
        for age in range(1, 101)
    ]
    store_trades(command, exchange, *trades)
    for first, last in ((1, 60), (61, 100), (101, 100)):
        server.forget()
        assert command("sync", "markets").returncode == 0
        asked = {path for path in paths(server) if path != "/market"}
        assert asked == {f"/market/{10_000 + age}" for age in range(first, last + 1)}


def test_a_market_whose_detail_cannot_be_read_is_asked_for_less_and_less_often(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=6)
    server = trading(exchange)
    command("sync", "markets")
    number = binaries(exchange)[0]
    exchange.close_market(number)
    server.faults.add(Fault("null_result", path_contains=f"/market/{number}"))
    assert [command("sync", "markets").returncode for _ in range(3)] == [1, 1, 0]
    assert row_of(command, number)["status"] == "activated"


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


def test_a_market_can_be_resolved_without_a_time(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=30)
    trading(exchange)
    command("sync", "markets")
    timeless = next(number for number in binaries(exchange) if number % 5 == 0)
    exchange.close_market(timeless)
    command("sync", "markets")
    row = row_of(command, timeless)
    assert (row["status"], row["resolved_at"]) == ("resolved", None)
    assert row["result_token_id"]
