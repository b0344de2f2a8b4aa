"""The rate limit: a strict sliding window over accepted requests, and the record of arrivals."""

import requests

from opinionscope.simulator import Exchange, ExchangeServer

from .conftest import Ask, Clock


def statuses(ask: Ask, count: int) -> list[int]:
    return [ask("/market", limit=1).status_code for _ in range(count)]


def test_the_request_over_the_limit_is_refused_and_told_to_wait(ask: Ask, server: ExchangeServer) -> None:
    server.rate_limit = 3
    assert statuses(ask, 3) == [200, 200, 200]
    refused = ask("/market")
    assert (refused.status_code, refused.json()["errno"], refused.headers["Retry-After"]) == (429, 429, "1")


def test_the_window_slides_and_counts_accepted_requests_only(
    ask: Ask, server: ExchangeServer, monotonic: Clock
) -> None:
    server.rate_limit = 2
    assert statuses(ask, 1) == [200]
    monotonic.advance(0.5)
    assert statuses(ask, 3) == [200, 429, 429]
    monotonic.advance(0.499)
    assert statuses(ask, 1) == [429]
    monotonic.advance(0.001)
    assert statuses(ask, 2) == [200, 429]
    monotonic.advance(0.5)
    assert statuses(ask, 2) == [200, 429]


def test_each_key_has_a_window_of_its_own(exchange: Exchange, monotonic: Clock) -> None:
    with ExchangeServer(exchange, rate_limit=2, api_key="a,b", monotonic=monotonic) as server:
        server.limits["b"] = 1
        answers = [(key, requests.get(f"{server.url}/market", headers={"apikey": key}, timeout=5)) for key in "aabbac"]
        assert [(key, answer.json()["errno"]) for key, answer in answers] == [
            ("a", 0),
            ("a", 0),
            ("b", 0),
            ("b", 429),
            ("a", 429),
            ("c", 11002),
        ]
        assert server.worst_windows() == {"a": 3, "b": 2, "c": 1}


def test_the_limit_can_be_changed_and_the_header_left_out(ask: Ask, server: ExchangeServer) -> None:
    server.rate_limit, server.retry_after = 1, None
    assert statuses(ask, 2) == [200, 429]
    assert "Retry-After" not in ask("/market").headers
    server.rate_limit = None
    assert statuses(ask, 1) == [200]


def test_the_worst_window_counts_every_arrival_refused_ones_too(
    ask: Ask, server: ExchangeServer, monotonic: Clock
) -> None:
    server.rate_limit = 2
    statuses(ask, 1)
    monotonic.advance(0.75)
    statuses(ask, 3)
    monotonic.advance(0.25)
    statuses(ask, 1)
    assert server.worst_window() == 4
    assert server.worst_window(2.0) == 5
    assert (server.count(200), server.count(429)) == (3, 2)


def test_arrivals_are_recorded_with_time_path_and_query_and_can_be_forgotten(
    ask: Ask, server: ExchangeServer, monotonic: Clock
) -> None:
    ask("/market", page=3, status="activated")
    (request,) = server.requests
    assert (request.at, request.method, request.path) == (monotonic.now, "GET", "/openapi/market")
    assert (request.query, request.status) == ({"page": "3", "status": "activated"}, 200)
    server.forget()
    assert server.requests == []
    assert server.worst_window() == 0


def test_hidden_arrivals_are_limited_and_not_recorded(exchange: Exchange, monotonic: Clock) -> None:
    with ExchangeServer(exchange, rate_limit=1, hide_arrivals=True, monotonic=monotonic) as hidden:
        answers = [requests.get(f"{hidden.url}/market", timeout=5).status_code for _ in range(2)]
        assert (answers, hidden.requests) == ([200, 429], [])
