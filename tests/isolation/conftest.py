"""What these tests share: fifty wallets and more, on an exchange that can be made to misbehave."""

from collections.abc import Callable

import pytest

from opinionscope.simulator import Exchange
from tests.conftest import CommandLine, Trading
from tests.isolation.misbehaving import MisbehavingServer

WALLETS = 50

Misbehaving = Callable[[int], tuple[Exchange, MisbehavingServer]]


@pytest.fixture
def misbehaving(command: CommandLine, trading: Trading) -> Misbehaving:
    """Start an exchange of so many wallets, all tracked, in which nothing moves."""

    def start(wallets: int) -> tuple[Exchange, MisbehavingServer]:
        exchange = still_exchange(wallets)
        server = trading(exchange, MisbehavingServer)
        assert isinstance(server, MisbehavingServer)
        command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
        command("whales", "add", *exchange.wallets)
        return exchange, server

    return start


def still_exchange(wallets: int) -> Exchange:
    """Each wallet has a page of trades and a bit of the next."""
    return Exchange(seed=12, markets=45, wallets=wallets, history=22, trades_per_minute=0, market_churn_per_minute=0)
