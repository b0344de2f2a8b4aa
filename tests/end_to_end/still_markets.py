"""Markets that move only when a test moves them: what the exchange lists, what is stored, and what was asked for."""

from collections import Counter
from decimal import Decimal
from typing import Any

from opinionscope.simulator import Exchange, ExchangeServer, SimulatedTrade
from tests.conftest import CommandLine

WALLET = "0x" + "ab" * 20


def still_exchange(**options: object) -> Exchange:
    """An exchange in which nothing moves but what a test moves."""
    return Exchange(
        **{"seed": 3, "markets": 90, "wallets": 0, "market_churn_per_minute": 0.0, "trades_per_minute": 0.0} | options  # type: ignore[arg-type]
    )


Key = tuple[str, bool]


def stored(command: CommandLine) -> dict[Key, dict[str, object]]:
    """All rows, by number and by whether it is a topic's."""
    columns = [row[1] for row in command.query("PRAGMA table_info(markets)")]
    rows = [dict(zip(columns, row, strict=True)) for row in command.query("SELECT * FROM markets")]
    return {(str(row["external_id"]), row["market_type"] == "categorical"): row for row in rows}


def listed_keys(exchange: Exchange) -> set[Key]:
    """The same of what the exchange lists."""
    listed = exchange.markets()
    children = {(str(child["marketId"]), False) for market in listed for child in market["childMarkets"] or []}
    return children | {(str(market["marketId"]), market["marketType"] == 1) for market in listed}


def binaries(exchange: Exchange) -> list[int]:
    return [market["marketId"] for market in exchange.markets() if market["marketType"] == 0]


def topics(exchange: Exchange) -> list[dict[str, Any]]:
    return [market for market in exchange.markets() if market["marketType"] == 1]


def paths(server: ExchangeServer) -> "Counter[str]":
    """How often each path below the base URL was asked for."""
    return Counter(request.path.removeprefix("/openapi") for request in server.requests)


def topic_of_several(exchange: Exchange) -> dict[str, Any]:
    return next(topic for topic in topics(exchange) if len(topic["childMarkets"]) > 3)


def store_trades(command: CommandLine, exchange: Exchange, *trades: SimulatedTrade) -> None:
    """Have a tracked wallet make the trades, and sync them."""
    exchange.add_wallet(WALLET)
    exchange.add_trades(WALLET, trades)
    command("whales", "add", WALLET)
    command("sync", "whales")


def row_of(command: CommandLine, number: int, *, topic: bool = False) -> dict[str, Any]:
    return stored(command)[str(number), topic]


def shows_all_options(topic: dict[str, Any]) -> bool:
    """Whether the list leaves none of the topic's options out."""
    total = sum(Decimal(child["volume"]) for child in topic["childMarkets"])
    return 2 * total == Decimal(topic["volume"])
