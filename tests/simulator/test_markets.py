"""The market endpoints: the shapes of the live API, the filters, and a list that moves."""

import re

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
    ids = [market["marketId"] for page in pages for market in page["result"]["list"]]
    assert ids == [market["marketId"] for market in exchange.markets()]
    assert len(set(ids)) == 30


def test_without_a_market_type_every_categorical_market_is_missing(ask: Ask) -> None:
    default = ask("/market", status="activated").json()["result"]
    categorical = ask("/market", status="activated", marketType=1).json()["result"]
    assert (default["total"], categorical["total"]) == (20, 10)
    assert {market["marketType"] for market in default["list"]} == {0}
    assert {market["marketType"] for market in categorical["list"]} == {1}


def test_a_categorical_market_is_created_without_tokens_and_its_children_trade(exchange: Exchange) -> None:
    parents = [market for market in exchange.markets() if market["marketType"] == 1]
    for parent in parents:
        assert (parent["status"], parent["statusEnum"], parent["yesTokenId"], parent["yesLabel"]) == (
            1,
            "Created",
            "",
            "",
        )
        assert {"volume24h", "volume7d", "labelIds", "coverUrl"} <= parent.keys()
        assert 2 <= len(parent["childMarkets"]) <= 12
        for child in parent["childMarkets"]:
            assert (child["status"], child["rules"]) == (2, "")
            assert not {"marketType", "volume24h", "volume7d", "childMarkets"} & child.keys()
    assert {0} < {child["cutoffAt"] for parent in parents for child in parent["childMarkets"]}


def test_token_ids_have_78_digits_and_volumes_18_fraction_digits(exchange: Exchange) -> None:
    for market in exchange.markets():
        assert re.fullmatch(r"\d+\.\d{18}", market["volume"])
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
    assert (detail["status"], detail["statusEnum"], detail["resolvedAt"]) == (4, "Resolved", int(clock.now))
    assert detail["resultTokenId"] in (market["yesTokenId"], market["noTokenId"])


def test_a_closed_categorical_market_has_one_winning_child(ask: Ask, exchange: Exchange) -> None:
    parent = next(market for market in exchange.markets() if market["marketType"] == 1)
    exchange.close_market(parent["marketId"])
    detail = ask(f"/market/categorical/{parent['marketId']}").json()["result"]["data"]
    children = detail["childMarkets"]
    assert {child["status"] for child in children} == {4}
    assert sum(child["resultTokenId"] == child["yesTokenId"] for child in children) == 1


def test_a_child_closes_alone_and_its_parent_trades_on(ask: Ask, exchange: Exchange) -> None:
    parent = ask("/market", marketType=1, status="activated").json()["result"]["list"][0]
    exchange.close_market(parent["childMarkets"][0]["marketId"], status=5)
    detail = ask(f"/market/categorical/{parent['marketId']}").json()["result"]["data"]
    assert (detail["status"], detail["childMarkets"][0]["statusEnum"]) == (1, "Failed")
    assert parent["marketId"] in {each["marketId"] for each in exchange.markets()}


def test_a_renamed_and_an_opened_market_show_at_once(ask: Ask, exchange: Exchange, clock: Clock) -> None:
    first = ask("/market", marketType=2, status="activated").json()["result"]["list"][0]
    exchange.rename_market(first["marketId"], "Another question?")
    clock.advance(5)
    opened = exchange.open_market("Who wins?", options=["A", "B"])
    listed = ask("/market", marketType=2, status="activated").json()["result"]["list"]
    assert [listed[0]["marketId"], listed[0]["marketTitle"]] == [opened, "Who wins?"]
    assert [child["marketTitle"] for child in listed[0]["childMarkets"]] == ["A", "B"]
    assert listed[1]["marketTitle"] == "Another question?"


@pytest.mark.parametrize("path", ["/market/1", "/market/categorical/1", "/nowhere"])
def test_an_unknown_id_or_path_is_a_404(ask: Ask, path: str) -> None:
    response = ask(path)
    assert (response.status_code, response.json()["errno"]) == (404, 404)


def test_each_kind_of_market_has_a_detail_of_its_own(ask: Ask, exchange: Exchange) -> None:
    parent = next(market for market in exchange.markets() if market["marketType"] == 1)
    child = parent["childMarkets"][0]
    assert ask(f"/market/{child['marketId']}").json()["result"]["data"]["marketTitle"] == child["marketTitle"]
    assert ask(f"/market/{parent['marketId']}").status_code == 404
    assert ask(f"/market/categorical/{child['marketId']}").status_code == 404


def test_markets_churn_with_the_clock_and_are_settled_minutes_later(clock: Clock) -> None:
    exchange = Exchange(seed=3, markets=60, wallets=0, market_churn_per_minute=2, clock=clock)
    before = {market["marketId"]: market for market in exchange.markets()}
    clock.advance(3_600)
    after = {market["marketId"]: market for market in exchange.markets()}
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
    resolved, failed = (market["marketId"] for market in exchange.markets()[:2])
    exchange.close_market(resolved)
    exchange.close_market(failed, status=5)
    listed = ask("/market", marketType=2, status="resolved", limit=20).json()["result"]["list"]
    assert {market["status"] for market in listed} == {4}
    assert resolved in {market["marketId"] for market in listed}
