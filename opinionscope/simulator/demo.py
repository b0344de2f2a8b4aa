"""The exchange of the demonstration, a temporary database, and the environment that leads to both."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from opinionscope.errors import UsageError
from opinionscope.locations import API_KEY_VARIABLE, DATABASE_VARIABLE, ENV_FILE_VARIABLE
from opinionscope.simulator import ExchangeServer
from opinionscope.simulator.scenarios import several_months

# At 15 requests a second this takes about six seconds to read: 10 pages of markets, 6 x 10 pages of trades.
MARKETS = 200
TRADES_PER_WALLET = 200
_OUR_PREFIXES = ("OPINION_TRADE_", "OPINIONSCOPE_")


@dataclass(frozen=True)
class DemoExchange:
    """A running demonstration."""

    database: Path
    url: str
    wallets: list[tuple[str, str]]
    """Addresses that trade on the exchange, and names for them."""


@contextmanager
def serve_demo(kept_database: Path | None = None) -> Iterator[DemoExchange]:
    """Serve the exchange, and lead this process to it and to an empty database; afterwards all is as it was.

    `kept_database` is a new file to keep. Raises UsageError if it exists, because invented trades must never be mixed
    with real ones.
    """
    if kept_database is not None and kept_database.exists():
        raise UsageError(f"{kept_database} already exists; choose a new file.")
    exchange = several_months(markets=MARKETS, past_markets=40, history=TRADES_PER_WALLET)
    wallets = [(address, f"Whale {number}") for number, address in enumerate(exchange.wallets, start=1)]
    with TemporaryDirectory(prefix="opinionscope-demo-") as folder, ExchangeServer(exchange) as server:
        database, env_file = kept_database or Path(folder, "demo.db"), Path(folder, "env")
        env_file.touch()
        variables = {
            "OPINION_TRADE_BASE_URL": server.url,
            API_KEY_VARIABLE: "demo",
            DATABASE_VARIABLE: str(database),
            ENV_FILE_VARIABLE: str(env_file),
        }
        with _environment(variables):
            yield DemoExchange(database, server.url, wallets)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Only these of our variables: the user's own would send alerts, and change the pace."""
    before = {name: value for name, value in os.environ.items() if name.startswith(_OUR_PREFIXES)}
    try:
        _replace(before, variables)
        yield
    finally:
        _replace(variables, before)


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    for name in old:
        os.environ.pop(name, None)
    os.environ.update(new)
