"""Every fault can be seen from outside, strikes where it should, and as often as it should."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from opinionscope.simulator import Exchange, ExchangeServer, Fault
from opinionscope.simulator.faults import FAULTS

from .conftest import Ask, Clock

WALLET = "0x" + "cd" * 20


@pytest.fixture(autouse=True)
def _seven_trades(exchange: Exchange) -> None:
    exchange.add_wallet(WALLET, history=7)


def trades(ask: Ask, **query: Any) -> Any:
    return ask(f"/trade/user/{WALLET}", **query)


def listed(ask: Ask) -> Any:
    """The trades as opinionscope reads them: where simplejson is installed, requests would refuse a NaN."""
    return json.loads(trades(ask).content)["result"]["list"]


@pytest.mark.parametrize(
    ("name", "status", "retry_after"),
    [
        ("500", 500, None),
        ("502_html", 502, None),
        ("404_html", 404, None),
        ("503", 503, None),
        ("503_retry_after", 503, "1"),
        ("429", 429, "1"),
        ("429_no_retry_after", 429, None),
        ("401", 401, None),
        ("geo_block_2026", 403, None),
        ("403_html", 403, None),
        ("451_html", 451, None),
    ],
)
def test_status_faults(ask: Ask, server: ExchangeServer, name: str, status: int, retry_after: str | None) -> None:
    server.faults.add(Fault(name))
    response = trades(ask)
    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)
    assert server.count(status) == 1
    assert (response.headers["Content-Type"] == "text/html") == name.endswith("html")


def test_retry_after_can_be_a_date_by_the_clock_of_the_exchange(ask: Ask, server: ExchangeServer, clock: Clock) -> None:
    server.faults.add(Fault("429_retry_after_date"))
    moment = parsedate_to_datetime(trades(ask).headers["Retry-After"])
    assert moment == datetime.fromtimestamp(clock.now + 2, UTC)


@pytest.mark.parametrize(
    ("name", "number"),
    [("errno_11002", 11002), ("errno_nonzero", 20001), ("errno_10004", 10004), ("geo_block_2025", 10403)],
)
def test_application_errors_come_with_http_200(ask: Ask, server: ExchangeServer, name: str, number: int) -> None:
    server.faults.add(Fault(name))
    response = trades(ask)
    assert (response.status_code, response.json()["errno"], response.json()["result"]) == (200, number, None)


@pytest.mark.parametrize("name", ["empty_body", "truncated_json", "html_200"])
def test_bodies_that_are_no_json(ask: Ask, server: ExchangeServer, name: str) -> None:
    server.faults.add(Fault(name))
    response = trades(ask)
    assert response.status_code == 200
    with pytest.raises(ValueError, match="line"):
        response.json()


def test_good_json_under_a_wrong_content_type(ask: Ask, server: ExchangeServer) -> None:
    honest = trades(ask).content
    server.faults.add(Fault("wrong_content_type"))
    response = trades(ask)
    assert (response.headers["Content-Type"], response.content) == ("text/html", honest)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("list_instead_of_object", lambda document: isinstance(document, list)),
        ("string_instead_of_object", lambda document: document == "ok"),
        ("number_instead_of_object", lambda document: document == 42),
        ("missing_result", lambda document: "result" not in document and document["errno"] == 0),
        ("null_result", lambda document: document["result"] is None and document["errno"] == 0),
        ("missing_list", lambda document: document["result"] == {"total": 7}),
        ("null_list", lambda document: document["result"] == {"list": None, "total": 7}),
        ("list_is_object", lambda document: isinstance(document["result"]["list"], dict)),
        ("total_zero", lambda document: document["result"]["total"] == 0 and len(document["result"]["list"]) == 7),
        ("total_huge", lambda document: document["result"]["total"] == 10**9),
        ("total_random", lambda document: document["result"]["total"] != 7),
    ],
)
def test_shape_faults(ask: Ask, server: ExchangeServer, name: str, wrong: Callable[[Any], bool]) -> None:
    assert not wrong(trades(ask).json())
    server.faults.add(Fault(name))
    assert wrong(trades(ask).json())


@pytest.mark.parametrize(
    "name", ["item_not_object", "missing_fields", "wrong_types", "nan", "infinite", "negative", "absurd"]
)
def test_item_faults_spoil_one_item_and_leave_the_others(ask: Ask, server: ExchangeServer, name: str) -> None:
    honest = listed(ask)
    server.faults.add(Fault(name))
    spoiled = listed(ask)
    assert [place for place, item in enumerate(spoiled) if item != honest[place]] == [3]


def test_what_the_item_faults_put_in(ask: Ask, server: ExchangeServer) -> None:
    def middle(name: str) -> Any:
        server.faults.clear()
        server.faults.add(Fault(name))
        return listed(ask)[3]

    assert middle("item_not_object") == "not an object"
    assert not {"marketId", "txHash", "price", "createdAt"} & middle("missing_fields").keys()
    assert (middle("wrong_types")["price"], middle("wrong_types")["createdAt"]) == (["0.5"], "yesterday")
    assert middle("infinite")["amount"] == math.inf
    assert middle("negative")["shares"] == "-5.000000"
    assert middle("absurd")["price"] == "9" * 400


def test_a_server_can_cap_its_pages_at_ten_entries(ask: Ask, server: ExchangeServer, exchange: Exchange) -> None:
    server.faults.add(Fault("page_of_10"))
    pages = [
        ask("/market", status="activated", marketType=2, page=page, limit=20).json()["result"] for page in (1, 2, 3, 4)
    ]
    assert [len(page["list"] or []) for page in pages] == [10, 10, 10, 0]
    assert {page["total"] for page in pages} == {30}
    shown = [market["marketTitle"] for page in pages for market in page["list"] or []]
    assert shown == [market["marketTitle"] for market in exchange.markets()]


def test_a_server_can_ignore_page_and_limit(ask: Ask, server: ExchangeServer) -> None:
    server.faults.add(Fault("ignored_page"))
    first, second = (ask("/market", marketType=2, page=page, limit=20).json()["result"] for page in (1, 7))
    assert len(first["list"]) == min(48, first["total"]) > 20
    assert first == second


def test_a_title_can_be_cut_within_an_emoji(ask: Ask, server: ExchangeServer) -> None:
    server.faults.add(Fault("cut_title"))
    body = trades(ask).content
    assert b'\\ud83d"' in body
    assert {trade["marketTitle"][-1] for trade in json.loads(body)["result"]["list"]} == {"\ud83d"}


def test_odd_headers_come_with_an_honest_answer(ask: Ask, server: ExchangeServer) -> None:
    honest = trades(ask).content
    server.faults.add(Fault("odd_headers"))
    response = trades(ask)
    assert (response.status_code, response.content, response.headers["X-Empty"]) == (200, honest, "")
    assert response.headers["Via"] == "1.1 caf\xe9"


def test_nan_comes_bare_and_as_text_in_turn(ask: Ask, server: ExchangeServer) -> None:
    server.faults.add(Fault("nan"))
    assert '"price": NaN,' in trades(ask).text
    assert '"price": "NaN",' in trades(ask).text


def test_a_spoiled_detail(ask: Ask, server: ExchangeServer, exchange: Exchange) -> None:
    market = next(market for market in exchange.markets() if market["marketType"] == 0)
    server.faults.add(Fault("missing_fields"))
    assert "marketTitle" not in ask(f"/market/{market['marketId']}").json()["result"]["data"]


def test_hostile_texts_reach_titles_outcomes_and_children(ask: Ask, server: ExchangeServer) -> None:
    server.faults.add(Fault("hostile_text"))
    titles = "".join(trade["marketTitle"] for trade in trades(ask).json()["result"]["list"])
    for poison in ("\x1b[31m", "[red]", "<script>", "=cmd", "\x00", "\u202e", "long " * 2_000):
        assert poison in titles
    parent = ask("/market", marketType=1).json()["result"]["list"][0]
    assert {child["yesLabel"] for child in parent["childMarkets"]} == {parent["marketTitle"]}


def test_the_same_page_comes_forever(ask: Ask, server: ExchangeServer) -> None:
    honest = trades(ask, limit=2).json()["result"]["list"]
    server.faults.add(Fault("same_page_forever"))
    for page in (1, 2, 900):
        assert trades(ask, limit=2, page=page).json()["result"] == {"list": honest, "total": 10**9}


def test_content_faults_also_strike_the_older_paths(ask: Ask, server: ExchangeServer) -> None:
    server.faults.add(Fault("item_not_object", times=1))
    server.faults.add(Fault("null_list", times=1))
    assert "not an object" in ask(f"/user/{WALLET}/trades").json()["data"]
    assert ask(f"/user/{WALLET}/trades").json() == {"data": None, "total": 7}


def test_a_redirect_leads_to_a_place_where_a_follower_is_seen(ask: Ask, server: ExchangeServer) -> None:
    server.faults.add(Fault("redirect_other_host", times=1))
    response = trades(ask)
    assert response.status_code == 302
    assert response.headers["Location"].endswith("/stolen")
    assert "//localhost:" in response.headers["Location"]
    ask("/../stolen")
    assert server.requests[-1].path == "/stolen"


def test_a_fault_skips_then_strikes_a_number_of_times_where_the_path_matches(ask: Ask, server: ExchangeServer) -> None:
    server.faults.add(Fault("500", path_contains="/trade/", skip=1, times=2))
    assert ask("/market").status_code == 200
    assert [trades(ask).status_code for _ in range(5)] == [200, 500, 500, 200, 200]


def test_a_fault_can_be_aimed_at_one_page(ask: Ask, server: ExchangeServer) -> None:
    server.faults.add(Fault("500", path_contains="page=2"))
    assert [trades(ask, page=page).status_code for page in (1, 2, 3)] == [200, 500, 200]


def test_a_probable_fault_strikes_the_same_requests_in_every_run(ask: Ask, server: ExchangeServer) -> None:
    def struck() -> list[int]:
        server.faults.clear()
        server.faults.add(Fault("503", probability=0.5))
        return [trades(ask).status_code for _ in range(30)]

    first = struck()
    assert set(first) == {200, 503}
    assert struck() == first


def test_the_box_of_faults_can_be_looked_into_and_cleared(server: ExchangeServer) -> None:
    server.faults.add(Fault("500"))
    server.faults.add(Fault("nan", times=1))
    assert (list(server.faults), len(server.faults)) == ([Fault("500"), Fault("nan", times=1)], 2)
    server.faults.clear()
    assert not list(server.faults)


def test_an_unknown_fault_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match="502_html"):
        Fault("no_such_thing")


def test_faults_follow_the_envelope_of_the_server(ask: Ask, server: ExchangeServer) -> None:
    server.envelope = "documented"
    server.faults.add(Fault("errno_11002"))
    assert trades(ask).json() == {"code": 11002, "msg": "invalid API key", "result": None}


@pytest.mark.parametrize(
    "path",
    ["/market", f"/trade/user/{WALLET}", "/trade/user/nobody", "/market/1", "/market/list", "/token/latest-price"],
)
def test_no_fault_breaks_the_server_itself(ask: Ask, server: ExchangeServer, path: str) -> None:
    for name in FAULTS.keys() - {"hang", "drip", "huge_body", "reset_in_body", "reset_before_answer"}:
        server.faults.add(Fault(name, times=1))
        ask(path, marketType=2)
        assert server.requests[-1].status > 0, name
    assert ask("/market").json()["errno"] == 0
