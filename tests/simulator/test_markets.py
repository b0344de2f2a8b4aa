"""The market endpoints: the shapes of the live API, the filters, and a list that moves."""

import itertools
import re
from decimal import Decimal
from typing import Any

import pytest

from opinionscope.simulator import Exchange

from .conftest import Ask, Clock


def test_a_market_page_comes_in_the_live_envelope_with_the_total_of_the_whole_list(ask: Ask) -> None:
    document = ask("/market", marketType=2, status="activated", page=1, limit=20).json()
    assert (document["errno"], document["errmsg"]) == (0, "")
    assert len(document["result"]["list"]) == 20
    assert document["result"]["total"] == 30


def test_the_pages_of_the_market_list_together_hold_every_open_market_once(ask: Ask, exchange: Exchange) -> None:
    pages = [ask("/market", marketType=2, status="activated", page=page, limit=20).json() for page in (1, 2)]
    ids = [(market["marketType"], market["marketId"]) for page in pages for market in page["result"]["list"]]
    assert ids == [(market["marketType"], market["marketId"]) for market in exchange.markets()]
    assert len(set(ids)) == 30


def test_topics_and_markets_are_numbered_by_two_counters_that_overlap(exchange: Exchange) -> None:
    listed = exchange.markets("")
    topics = {market["marketId"] for market in listed if market["marketType"] == 1}
    markets = {each["marketId"] for market in listed for each in market["childMarkets"] or [market]}
    assert topics & markets == topics


def test_without_a_market_type_every_categorical_market_is_missing(ask: Ask) -> None:
    default = ask("/market", status="activated").json()["result"]
    categorical = ask("/market", status="activated", marketType=1).json()["result"]
    assert (default["total"], categorical["total"]) == (20, 10)
    assert {market["marketType"] for market in default["list"]} == {0}
    assert {market["marketType"] for market in categorical["list"]} == {1}


def test_a_topic_has_no_tokens_and_its_children_trade(exchange: Exchange) -> None:
    parents = [market for market in exchange.markets() if market["marketType"] == 1]
    for parent in parents:
        assert (parent["yesTokenId"], parent["yesLabel"]) == ("", "")
        assert {"volume24h", "volume7d", "labelIds", "coverUrl"} <= parent.keys()
        assert 1 <= len(parent["childMarkets"]) <= 12
        for child in parent["childMarkets"]:
            assert (child["status"], child["rules"]) == (2, "")
            assert not {"marketType", "volume24h", "volume7d", "childMarkets"} & child.keys()
    assert {0} < {child["cutoffAt"] for parent in parents for child in parent["childMarkets"]}


def test_the_status_of_a_topic_depends_on_the_filter_and_is_created_in_its_detail(ask: Ask, exchange: Exchange) -> None:
    still_open, closed = [market["marketId"] for market in exchange.markets() if market["marketType"] == 1][:2]
    exchange.close_market(closed, categorical=True)

    def status_of(topic: int, **query: object) -> str:
        listed = ask("/market", marketType=1, limit=20, **query).json()["result"]["list"]
        return str(next(market["statusEnum"] for market in listed if market["marketId"] == topic))

    assert status_of(still_open, status="activated") == "Activated"
    assert status_of(closed, status="resolved") == "Resolved"
    assert {status_of(topic) for topic in (still_open, closed)} == {"Created"}
    for topic in (still_open, closed):
        assert ask(f"/market/categorical/{topic}").json()["result"]["data"]["statusEnum"] == "Created"
    assert [exchange.market_status(topic, categorical=True) for topic in (still_open, closed)] == [2, 4]


def test_the_volumes_of_a_topic_are_the_sums_of_its_children_and_doubled_in_filtered_lists(
    ask: Ask, exchange: Exchange
) -> None:
    for listed in [market for market in exchange.markets() if market["marketType"] == 1]:
        detail = ask(f"/market/categorical/{listed['marketId']}").json()["result"]["data"]
        for name in ("volume", "volume24h", "volume7d"):
            assert Decimal(listed[name]) == 2 * Decimal(detail[name])
        assert Decimal(detail["volume"]) == sum(Decimal(child["volume"]) for child in detail["childMarkets"])


def test_a_child_that_is_resolved_is_in_the_detail_of_its_topic_and_not_in_the_activated_list(
    ask: Ask, exchange: Exchange
) -> None:
    left_out = 0
    for listed in [market for market in exchange.markets() if market["marketType"] == 1]:
        detail = ask(f"/market/categorical/{listed['marketId']}").json()["result"]["data"]
        by_id = {child["marketId"]: child for child in detail["childMarkets"]}
        shown = {child["marketId"] for child in listed["childMarkets"]}
        assert {by_id[child]["status"] for child in shown} == {2}
        assert {child["status"] for child in by_id.values() if child["marketId"] not in shown} <= {4}
        left_out += len(by_id) - len(shown)
    assert left_out > 0


def test_a_resolved_market_can_have_a_winner_and_no_time(exchange: Exchange) -> None:
    for number in [market["marketId"] for market in exchange.markets() if market["marketType"] == 0]:
        exchange.close_market(number)
    resolved = [market for market in exchange.markets("resolved") if market["marketType"] == 0]
    assert {bool(market["resolvedAt"]) for market in resolved} == {True, False}
    assert all(market["resultTokenId"] for market in resolved)


def test_token_ids_have_78_digits_and_volumes_up_to_18_fraction_digits_or_float_noise(exchange: Exchange) -> None:
    volumes = [market["volume"] for market in exchange.markets() if market["marketType"] == 0]
    assert all(re.fullmatch(r"\d+\.\d{1,18}", volume) for volume in volumes)
    assert {len(volume.partition(".")[2]) == 18 for volume in volumes} == {True, False}
    for market in exchange.markets():
        for tradable in market["childMarkets"] or [market]:
            assert re.fullmatch(r"\d{78}", tradable["yesTokenId"])
            assert tradable["yesTokenId"] != tradable["noTokenId"]


def test_recent_volumes_are_sometimes_missing_from_a_binary_market(exchange: Exchange) -> None:
    binaries = [market for market in exchange.markets() if market["marketType"] == 0]
    assert {"volume24h" in market for market in binaries} == {True, False}


def test_a_limit_above_20_is_cut_and_an_empty_page_has_a_null_list(ask: Ask) -> None:
    assert len(ask("/market", marketType=2, status="activated", limit=500).json()["result"]["list"]) == 20
    assert ask("/market", marketType=2, status="activated", page=9).json()["result"] == {"list": None, "total": 30}


@pytest.mark.parametrize("query", [{"page": "0"}, {"page": "x"}, {"limit": "-1"}, {"limit": "1.5"}, {"marketType": 7}])
def test_a_bad_parameter_is_an_application_error_with_http_200(ask: Ask, query: dict[str, str]) -> None:
    response = ask("/market", **query)
    assert response.status_code == 200
    assert (response.json()["errno"], response.json()["result"]) == (10000, None)


def test_sorting_by_volume_is_by_number(ask: Ask) -> None:
    listed = ask("/market", marketType=2, status="activated", sortBy=3, limit=20).json()["result"]["list"]
    volumes = [float(market["volume"]) for market in listed]
    assert volumes == sorted(volumes, reverse=True)


def test_a_closed_market_leaves_the_list_and_its_detail_tells_the_winner(
    ask: Ask, exchange: Exchange, clock: Clock
) -> None:
    market = next(market for market in exchange.markets() if market["marketType"] == 0)
    exchange.close_market(market["marketId"])
    assert market["marketId"] not in {each["marketId"] for each in exchange.markets()}
    detail = ask(f"/market/{market['marketId']}").json()["result"]["data"]
    assert (detail["status"], detail["statusEnum"]) == (4, "Resolved")
    assert detail["resolvedAt"] in (0, int(clock.now))
    assert detail["resultTokenId"] in (market["yesTokenId"], market["noTokenId"])


def children_of(topic: dict[str, Any]) -> set[int]:
    return {child["marketId"] for child in topic["childMarkets"]}


def test_a_closed_categorical_market_has_one_winning_child(ask: Ask, exchange: Exchange) -> None:
    parent = next(market for market in exchange.markets() if market["marketType"] == 1)
    exchange.close_market(parent["marketId"], categorical=True)
    detail = ask(f"/market/categorical/{parent['marketId']}").json()["result"]["data"]
    children = [child for child in detail["childMarkets"] if child["marketId"] in children_of(parent)]
    assert {child["status"] for child in children} == {4}
    assert sum(child["resultTokenId"] == child["yesTokenId"] for child in children) == 1


def test_a_child_closes_alone_and_its_parent_trades_on(ask: Ask, exchange: Exchange) -> None:
    parent = ask("/market", marketType=1, status="activated").json()["result"]["list"][0]
    closed = parent["childMarkets"][0]["marketId"]
    exchange.close_market(closed, status=5)
    detail = ask(f"/market/categorical/{parent['marketId']}").json()["result"]["data"]
    assert {child["statusEnum"] for child in detail["childMarkets"] if child["marketId"] == closed} == {"Failed"}
    (listed,) = [
        each for each in exchange.markets() if (each["marketType"], each["marketId"]) == (1, parent["marketId"])
    ]
    assert children_of(listed) == children_of(parent) - {closed}


def test_a_renamed_and_an_opened_market_show_at_once(ask: Ask, exchange: Exchange, clock: Clock) -> None:
    first = ask("/market", marketType=2, status="activated").json()["result"]["list"][0]
    exchange.rename_market(first["marketId"], "Another question?", categorical=first["marketType"] == 1)
    clock.advance(5)
    opened = exchange.open_market("Who wins?", options=["A", "B"])
    listed = ask("/market", marketType=2, status="activated").json()["result"]["list"]
    assert [listed[0]["marketId"], listed[0]["marketTitle"]] == [opened, "Who wins?"]
    assert [child["marketTitle"] for child in listed[0]["childMarkets"]] == ["A", "B"]
    assert listed[1]["marketTitle"] == "Another question?"


@pytest.mark.parametrize("path", ["/market/1", "/market/categorical/1"])
def test_an_unknown_number_is_an_application_error_with_http_200(ask: Ask, path: str) -> None:
    response = ask(path)
    assert (response.status_code, response.json()["errno"]) == (200, 10200)
    assert response.json() == {"errno": 10200, "errmsg": "Topic ID does not exist", "result": None}


def test_a_deleted_market_is_unknown_from_then_on(ask: Ask, exchange: Exchange) -> None:
    number = next(market["marketId"] for market in exchange.markets() if market["marketType"] == 0)
    exchange.close_market(number, status=6)
    assert ask(f"/market/{number}").json()["errno"] == 10200
    assert exchange.market_status(number) == 6
    assert number not in {market["marketId"] for market in exchange.markets("") if market["marketType"] == 0}


@pytest.mark.parametrize("path", ["/nowhere", "/trade/global", "/trade/market"])
def test_an_unknown_path_is_a_404_without_an_envelope(ask: Ask, path: str) -> None:
    response = ask(path)
    assert (response.status_code, response.text) == (404, "404 page not found")


def test_each_kind_of_market_has_a_detail_of_its_own(ask: Ask, exchange: Exchange) -> None:
    parent = next(market for market in exchange.markets() if market["marketType"] == 1)
    child = parent["childMarkets"][0]
    assert ask(f"/market/categorical/{parent['marketId']}").json()["result"]["data"]["marketType"] == 1
    assert ask(f"/market/{parent['marketId']}").json()["result"]["data"]["marketType"] == 0
    assert ask(f"/market/categorical/{child['marketId']}").json()["errno"] == 10200


def test_the_detail_of_a_child_has_volumes_and_a_type_and_does_not_say_whose_child_it_is(
    ask: Ask, exchange: Exchange
) -> None:
    parent = next(market for market in exchange.markets() if market["marketType"] == 1)
    child = parent["childMarkets"][0]
    detail = ask(f"/market/{child['marketId']}").json()["result"]["data"]
    assert detail.items() >= child.items()
    more = {"marketType", "volume24h", "volume7d", "childMarkets", "coverUrl", "thumbnailUrl"}
    assert detail.keys() - child.keys() == more
    assert (detail["marketType"], detail["childMarkets"]) == (0, None)


def test_markets_churn_with_the_clock_and_are_settled_minutes_later(clock: Clock) -> None:
    exchange = Exchange(seed=3, markets=60, wallets=0, market_churn_per_minute=2, clock=clock)

    def listed() -> dict[tuple[int, int], dict[str, Any]]:
        return {(market["marketType"], market["marketId"]): market for market in exchange.markets()}

    before = listed()
    clock.advance(3_600)
    after = listed()
    assert len(after) == 60
    assert len(before.keys() - after.keys()) > 40
    assert {market["status"] for market in exchange.markets("")} >= {2, 3, 4, 5}
    assert any(before[each]["volume"] != after[each]["volume"] for each in before.keys() & after.keys())


def test_the_same_seed_and_clock_give_the_same_exchange_however_often_it_is_asked(clock: Clock) -> None:
    first, second = (Exchange(seed=5, markets=12, wallets=2, history=9, clock=clock) for _ in range(2))
    for _ in range(40):
        clock.advance(17)
        first.markets()
    assert first.markets("") == second.markets("")
    for address in first.wallets:
        assert first.visible_trades(address) == second.visible_trades(address)


def test_the_older_market_path_answers_a_bare_page(ask: Ask, exchange: Exchange) -> None:
    document = ask("/market/list", marketType=2, status="activated", limit=3).json()
    assert document.keys() == {"data", "total"}
    assert [market["marketId"] for market in document["data"]] == [each["marketId"] for each in exchange.markets()[:3]]


def test_the_latest_price_of_a_token_is_between_0_and_1(ask: Ask, exchange: Exchange, clock: Clock) -> None:
    token = next(market["yesTokenId"] for market in exchange.markets() if market["yesTokenId"])
    price = ask("/token/latest-price", token_id=token).json()["result"]
    assert price["tokenId"] == token
    assert 0 < float(price["price"]) < 1
    assert price["timestamp"] == int(clock.now * 1000)
    assert ask("/token/latest-price").json()["errno"] == 10000
    assert ask("/token/latest-price", token_id="5").status_code == 404


def test_the_resolved_list_holds_resolved_markets_only(ask: Ask, exchange: Exchange) -> None:
    binaries = (market["marketId"] for market in exchange.markets() if market["marketType"] == 0)
    resolved, failed = itertools.islice(binaries, 2)
    exchange.close_market(resolved)
    exchange.close_market(failed, status=5)
    listed = ask("/market", marketType=2, status="resolved", limit=20).json()["result"]["list"]
    assert {market["status"] for market in listed} == {4}
    assert resolved in {market["marketId"] for market in listed}
