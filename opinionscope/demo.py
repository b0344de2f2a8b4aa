"""The stage of the demonstration: a simulated exchange, a throw-away database, and the environment that leads there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from opinionscope.errors import UsageError
from opinionscope.exchange import Exchange, ExchangeServer
from opinionscope.locations import API_KEY_VARIABLE, DATABASE_VARIABLE, ENV_FILE_VARIABLE

# At 15 requests a second this is read in some six seconds: 10 pages of markets, 6 x 10 pages of trades.
MARKETS = 200
WALLETS = 6
TRADES_A_WALLET = 200
_OURS = ("OPINION_TRADE_", "OPINIONSCOPE_")


@dataclass(frozen=True)
class Stage:
    """Where the demonstration plays."""

    database: Path
    url: str
    wallets: list[tuple[str, str]]
    """Addresses that trade on the exchange, and names for them."""


@contextmanager
def set_stage(kept_database: Path | None = None) -> Iterator[Stage]:
    """Serve the exchange and lead this process to it and to an empty database; afterwards all is as it was.

    `kept_database` is a new file that stays. Raises UsageError if it is there already: invented trades must not get
    among real ones.
    """
    if kept_database is not None and kept_database.exists():
        raise UsageError(f"{kept_database} is there already: the demonstration wants a new file.")
    exchange = Exchange(markets=MARKETS, wallets=WALLETS, history=TRADES_A_WALLET)
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
            yield Stage(database, server.url, wallets)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """These variables alone of ours: the user's own would have alerts sent, and another pace."""
    before = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
    try:
        _replace(before, variables)
        yield
    finally:
        _replace(variables, before)


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    for name in old:
        os.environ.pop(name, None)
    os.environ.update(new)
