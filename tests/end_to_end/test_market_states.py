"""The states and volumes of markets that `sync markets` concludes from odd answers of the live API."""

from decimal import Decimal

import pytest

from opinionscope.simulator import Fault
from tests.conftest import CommandLine, Trading
from tests.end_to_end.still_markets import (
    binaries,
    listed_keys,
    paths,
    row_of,
    shows_all_options,
    still_exchange,
    stored,
    topic_of_several,
    topics,
)


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
