"""Positions and markets for tests that need no trades: written as the jobs would leave them."""

from dataclasses import asdict
from typing import Any

from opinionscope.store.database import Store, Transaction
from opinionscope.store.markets import PLATFORM, MarketRow, save_markets
from opinionscope.times import utc_now
from opinionscope.track_record.positions import PositionSums
from tests.cli.conftest import market

WHALE = f"0x{'e' * 40}"


def add_whale(store: Store, address: str = WHALE, **columns: Any) -> None:
    """A wallet whose history is complete."""
    values = {
        "address": address,
        "source": "manual",
        "added_at": "2026-01-01T00:00:00Z",
        "history_read_at": "2026-01-01T00:00:00.000Z",
        **columns,
    }
    with store.transaction() as connection:
        _insert(connection, "whales", values)


def add_position(
    store: Store, market_external_id: str, side: int, sums: PositionSums, address: str = WHALE, **columns: Any
) -> None:
    """A position whose figures are due."""
    values = {
        "whale_address": address,
        "platform": PLATFORM,
        "market_external_id": market_external_id,
        "outcome_side": side,
        "root_market_external_id": market_external_id,
        "market_title": f"As traded: {market_external_id}",
        "last_traded_at": "2026-01-15T00:00:00Z",
        **asdict(sums),
        "trade_count": sums.trade_count or 1,
        **columns,
    }
    with store.transaction() as connection:
        _insert(connection, "positions", values)


def decide(
    store: Store, external_id: str, result: str, resolved_at: str | None = None, topic: str | None = None
) -> None:
    """Store a market: `undecided`, `void`, or `won` or `lost` by its yes side."""
    row: MarketRow = market(external_id, f"Market {external_id}")._replace(
        parent_external_id=topic,
        market_type="child" if topic else "binary",
        status={"undecided": "activated", "void": "failed"}.get(result, "resolved"),
        yes_token_id=f"{external_id}Y",
        no_token_id=f"{external_id}N",
        result_token_id={"won": f"{external_id}Y", "lost": f"{external_id}N"}.get(result),
        resolved_at=resolved_at,
    )
    save_markets(store, [row], utc_now())


def make_due(store: Store, condition: str = "1", *parameters: object) -> None:
    """Have the figures of positions worked out anew."""
    with store.transaction() as connection:
        connection.execute(f"UPDATE positions SET figures_due = 1 WHERE {condition}", parameters)


def _insert(transaction: Transaction, table: str, values: dict[str, Any]) -> None:
    transaction.execute(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
    )
