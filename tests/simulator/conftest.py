"""An exchange whose clocks the tests turn by hand, and a plain client of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from opinionscope.simulator import Exchange, ExchangeServer

NOON = 1_790_000_000.0

Ask = Callable[..., requests.Response]


class Clock:
    """A clock that moves only when told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def monotonic() -> Clock:
    return Clock(1_000.0)


@pytest.fixture
def exchange(clock: Clock) -> Exchange:
    """A small exchange in which nothing happens by itself."""
    return Exchange(
        seed=11, markets=30, wallets=2, history=50, trades_per_minute=0, market_churn_per_minute=0, clock=clock
    )


@pytest.fixture
def server(exchange: Exchange, monotonic: Clock) -> Iterator[ExchangeServer]:
    """The exchange behind HTTP, without a rate limit."""
    with ExchangeServer(exchange, rate_limit=None, monotonic=monotonic) as running:
        yield running


@pytest.fixture
def ask(server: ExchangeServer) -> Iterator[Ask]:
    """Asks the server for a path below its base URL; query parameters by name."""
    with requests.Session() as session:

        def get(path: str, **query: Any) -> requests.Response:
            return session.get(server.url + path, params=query, timeout=5, allow_redirects=False)

        yield get
