"""What a simulated exchange truly has against what a database holds: every row, in every column that upstream gives."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from opinionscope.simulator import Exchange, SimulatedTrade
from tests.conftest import CommandLine
from tests.true_positions import COLUMNS, SELECT, Fill, assert_positions, sides_of

Rows = Counter[tuple[Any, ...]]

_STATUSES = {1: "created", 2: "activated", 3: "resolving", 4: "resolved", 5: "failed", 6: "deleted"}
_TRADE_COLUMNS = """
    tx_hash, timestamp, action, market_external_id, root_market_external_id, market_title, outcome, outcome_side,
    price, shares, amount, fee, profit, quote_token, chain_id
"""
_MARKET_COLUMNS = """
    external_id, market_type, parent_external_id, title, status, yes_token_id, no_token_id, volume, volume_24h,
    created_at
"""


def stored_trades(command: CommandLine, wallet: str) -> Rows:
    """The rows of a wallet."""
    sql = f"SELECT {_TRADE_COLUMNS} FROM whale_activity WHERE whale_address = ?"
    return Counter(command.query(sql, (wallet,)))


def true_trades(exchange: Exchange, wallet: str) -> Rows:
    """The same of the trades that the exchange shows now; what was never filled is none."""
    return Counter(_trade_row(trade) for trade in exchange.visible_trades(wallet) if trade.is_filled)


def stored_markets(command: CommandLine) -> Rows:
    """The rows of the activated markets."""
    return Counter(command.query(f"SELECT {_MARKET_COLUMNS} FROM markets WHERE status = 'activated'"))


def true_markets(exchange: Exchange) -> Rows:
    """The same of the markets that the exchange lists now, parents and children."""
    rows: Rows = Counter()
    for market in exchange.markets():
        rows[_market_row(market, None)] += 1
        for child in market["childMarkets"] or []:
            rows[_market_row(child, market)] += 1
    return rows


def assert_trades_are_exact(command: CommandLine, exchange: Exchange, wallets: list[str] | None = None) -> None:
    """No row is wrong, doubled or missing, and the positions are the sums of them."""
    for wallet in exchange.wallets if wallets is None else wallets:
        stored, true = stored_trades(command, wallet), true_trades(exchange, wallet)
        assert (stored - true, true - stored) == (Counter(), Counter()), wallet
        counts = command.query("SELECT known_trades, api_total FROM whales WHERE address = ?", (wallet,))
        total = len(exchange.visible_trades(wallet))
        assert counts == [(total, total)]
        assert_positions_are_exact(command, exchange, wallet)


def assert_positions_are_exact(command: CommandLine, exchange: Exchange, wallet: str) -> None:
    """The positions are the sums of all that the exchange shows now, whatever of it is stored."""
    fills = [_fill(trade) for trade in exchange.visible_trades(wallet) if trade.is_filled]
    assert_positions(command.query(SELECT, (wallet,)), fills)


def assert_no_trade_is_wrong(command: CommandLine, exchange: Exchange) -> None:
    """Every row is true; some may be missing. Where all that is known is stored, the positions are the sums of it."""
    for wallet in exchange.wallets:
        assert stored_trades(command, wallet) - true_trades(exchange, wallet) == Counter(), wallet
        assert_positions_sum_up_what_is_stored(command, wallet)


def assert_positions_sum_up_what_is_stored(command: CommandLine, wallet: str) -> None:
    """At one moment, even while a run goes on; unless some trades are only counted, since those are in the sums too."""
    found = command.query(_POSITIONS_AND_TRADES, (wallet,) * 3)
    positions, rows = ([row[1:] for row in found if row[0] == kind] for kind in ("position", "trade"))
    if not any(row[0] == "counted" for row in found):
        assert_positions(positions, [_fill_of_row(row) for row in rows])


def assert_shares_are_held(command: CommandLine, exchange: Exchange, wallet: str) -> None:
    """The positions hold the shares that the exchange's own ledger has for the wallet."""
    sql = "SELECT market_external_id, outcome_side, buy_shares + split_shares - sell_shares - merge_shares "
    rows = command.query(sql + "FROM positions WHERE whale_address = ?", (wallet,))
    held = {(int(market), side): shares for market, side, shares in rows if abs(shares) > 1e-6}
    true = exchange.holdings(wallet)
    assert held == {key: pytest.approx(float(holding.shares)) for key, holding in true.items() if holding.shares}


_POSITIONS_AND_TRADES = f"""
    SELECT 'position', {COLUMNS} FROM positions WHERE whale_address = ? AND trade_count > 0
    UNION ALL
    SELECT 'trade', market_external_id, action, outcome_side, outcome, CAST(shares AS TEXT), CAST(amount AS TEXT),
        CAST(fee AS TEXT), CAST(strftime('%s', timestamp) AS INTEGER), 0, 0, 0, 0
    FROM whale_activity WHERE whale_address = ? AND withdrawn_at IS NULL
    UNION ALL
    SELECT 'counted', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM counted_trades AS counted
        JOIN whales ON whales.id = counted.whale_id WHERE whales.address = ?
"""


def _fill_of_row(row: tuple[Any, ...]) -> Fill:
    market, action, outcome_side, outcome, shares, amount, fee, second = row[:8]
    figures = (Decimal(shares), Decimal(amount), Decimal(fee or 0))
    return Fill(market, action, sides_of(action, outcome_side, outcome), *figures, second)


def _fill(trade: SimulatedTrade) -> Fill:
    action = trade.side.upper()
    sides = sides_of(action, trade.outcome_side, trade.outcome)
    figures = (Decimal(trade.tokens), Decimal(trade.amount), Decimal(trade.fee))
    return Fill(str(trade.market_id), action, sides, *figures, trade.created_at)


def _trade_row(trade: SimulatedTrade) -> tuple[Any, ...]:
    root, title = trade.root_market_title, trade.market_title
    return (
        trade.tx_hash,
        _time(trade.created_at),
        trade.side.upper(),
        str(trade.market_id),
        str(trade.root_market_id),
        title if title == root else f"{root}: {title}",
        trade.outcome,
        trade.outcome_side,
        *(float(figure) for figure in (trade.price, trade.tokens, trade.amount, trade.fee, trade.profit)),
        "0x55d398326f99059fF775485246999027B3197955",
        "56",
    )


def _market_row(market: dict[str, Any], parent: dict[str, Any] | None) -> tuple[Any, ...]:
    title = market["marketTitle"]
    return (
        str(market["marketId"]),
        ("binary", "categorical")[market["marketType"]] if parent is None else "child",
        None if parent is None else str(parent["marketId"]),
        title if parent is None else f"{parent['marketTitle']}: {title}",
        _STATUSES[market["status"]],
        market["yesTokenId"] or None,
        market["noTokenId"] or None,
        *(_figure(market, name) for name in ("volume", "volume24h")),
        _time(market["createdAt"]) if market["createdAt"] else None,
    )


def _figure(market: dict[str, Any], name: str) -> float | None:
    """A volume. The activated list doubles those of topics."""
    if not market.get(name):
        return None
    return float(Decimal(market[name]) / (2 if market.get("marketType") == 1 else 1))


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
