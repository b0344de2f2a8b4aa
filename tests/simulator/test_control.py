"""The control surface, for an exchange that runs in a process of its own."""

import pytest
import requests

from opinionscope.simulator import ExchangeServer, Fault

from .conftest import Ask


@pytest.fixture
def control(server: ExchangeServer) -> str:
    return server.url.removesuffix("/openapi") + "/_exchange"


def test_statistics_count_the_requests_by_status_and_not_themselves(
    ask: Ask, server: ExchangeServer, control: str
) -> None:
    server.rate_limit = 2
    for _ in range(3):
        ask("/market")
    for _ in range(3):
        stats = requests.get(f"{control}/stats", timeout=5).json()
        assert stats == {"requests": 3, "by_status": {"200": 2, "429": 1}, "worst_window": 3}


def test_faults_are_added_and_cleared(ask: Ask, server: ExchangeServer, control: str) -> None:
    added = requests.put(f"{control}/faults", json={"name": "500", "path_contains": "/market", "times": 5}, timeout=5)
    assert added.json() == {"faults": 1}
    assert list(server.faults) == [Fault("500", path_contains="/market", times=5)]
    assert ask("/market").status_code == 500
    assert requests.delete(f"{control}/faults", timeout=5).json() == {"faults": 0}
    assert ask("/market").status_code == 200


@pytest.mark.parametrize("body", ["", "[1]", "7", '{"name": "nonsense"}', '{"name": "500", "colour": "red"}', "{}"])
def test_a_bad_fault_is_refused_with_a_reason(server: ExchangeServer, control: str, body: str) -> None:
    response = requests.put(f"{control}/faults", data=body, timeout=5)
    assert response.status_code == 400
    assert response.json()["error"]
    assert len(server.faults) == 0


def test_an_unknown_control_says_what_there_is(server: ExchangeServer, control: str) -> None:
    response = requests.get(f"{control}/nothing", timeout=5)
    assert response.status_code == 404
    assert "stats" in response.json()["error"]
    assert server.requests == []
