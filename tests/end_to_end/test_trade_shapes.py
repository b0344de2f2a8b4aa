"""Trades as the live API shows them: some were never filled, and splits and merges leave figures out."""

import json
from typing import Any

import pytest

from opinionscope.simulator import Exchange, ExchangeServer
from tests.conftest import CommandLine, Trading
from tests.end_to_end.truth import assert_trades_are_exact

WALLET = "0x" + "ab" * 20
NO_TRADES = "no trades: is this the owner's address, not the Safe's?"


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(seed=5, markets=6, wallets=0, trades_per_minute=0, market_churn_per_minute=0)
    exchange.add_wallet(WALLET)
    return exchange


@pytest.fixture
def server(command: CommandLine, trading: Trading, exchange: Exchange) -> ExchangeServer:
    server = trading(exchange)
    command("whales", "add", WALLET)
    return server


def rows(command: CommandLine) -> list[tuple[Any, ...]]:
    return command.query("SELECT tx_hash, action, price, shares, amount FROM whale_activity ORDER BY id")


@pytest.mark.parametrize("status", [3, 5, 6, 99])
def test_a_trade_that_was_never_filled_is_kept_out_and_is_no_failure(
    command: CommandLine, exchange: Exchange, server: ExchangeServer, status: int
) -> None:
    filled, failed = exchange.make_trade(WALLET), exchange.make_trade(WALLET, status=status)
    exchange.add_trades(WALLET, [filled, failed])
    for _ in range(2):
        assert command("sync", "whales").returncode == 0
        assert [row[0] for row in rows(command)] == [filled.tx_hash]
    assert command.query("SELECT known_trades, api_total FROM whales") == [(2, 2)]
    command("stats")
    assert command.query("SELECT trade_count, total_volume FROM whales") == [(1, 5.0)]


def test_a_pending_trade_is_stored_once_it_is_filled(
    command: CommandLine, exchange: Exchange, server: ExchangeServer, trading: Trading
) -> None:
    pending = exchange.make_trade(WALLET, status=1)
    exchange.add_trades(WALLET, [pending])
    assert command("sync", "whales").returncode == 0
    assert rows(command) == []

    settled = Exchange(seed=5, markets=6, wallets=0, trades_per_minute=0, market_churn_per_minute=0)
    settled.add_wallet(WALLET)
    settled.add_trades(WALLET, [settled.make_trade(WALLET, tx_hash=pending.tx_hash, created_at=pending.created_at)])
    trading(settled)
    assert command("sync", "whales").returncode == 0
    assert [row[0] for row in rows(command)] == [pending.tx_hash]
    assert command.query("SELECT known_trades, api_total FROM whales") == [(1, 1)]


def test_a_wallet_with_many_unfilled_trades_is_complete_and_exact(command: CommandLine, trading: Trading) -> None:
    exchange = Exchange(
        seed=5, markets=9, wallets=2, history=300, trades_per_minute=0, market_churn_per_minute=0, unfilled_share=0.1
    )
    trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
    command("whales", "add", *exchange.wallets)
    for _ in range(2):
        assert command("sync", "whales").returncode == 0
        assert_trades_are_exact(command, exchange)


@pytest.mark.parametrize("side", ["Split", "Merge"])
@pytest.mark.parametrize(("price", "shares"), [("", ""), ("1.0", "0"), ("1.0", "0.000000"), ("", "0"), ("1.0", "7")])
def test_splits_and_merges_may_leave_price_and_shares_out_and_shares_are_the_amount_then(
    command: CommandLine, exchange: Exchange, server: ExchangeServer, side: str, price: str, shares: str
) -> None:
    trade = exchange.make_trade(WALLET, side=side, price=price, shares=shares, amount="7", outcome="", outcome_side=0)
    exchange.add_trades(WALLET, [trade])
    for _ in range(2):
        assert command("sync", "whales").returncode == 0
        assert rows(command) == [(trade.tx_hash, side.upper(), 1.0 if price else None, 7.0, 7.0)]


@pytest.mark.parametrize("side", ["Buy", "Sell"])
@pytest.mark.parametrize("missing", ["price", "shares"])
def test_a_buy_or_sell_without_price_or_shares_cannot_be_read(
    command: CommandLine, exchange: Exchange, server: ExchangeServer, side: str, missing: str
) -> None:
    exchange.add_trades(WALLET, [exchange.make_trade(WALLET, side=side, **{missing: ""}), exchange.make_trade(WALLET)])
    assert command("sync", "whales").returncode == 1
    assert len(rows(command)) == 1
    assert "price and shares are required" in command.query("SELECT last_error FROM whales")[0][0]


def test_a_wallet_without_any_trade_is_asked_about(command: CommandLine, server: ExchangeServer) -> None:
    assert NO_TRADES not in command("whales", "show", WALLET).stdout, "nothing is known yet"
    assert command("sync", "whales").returncode == 0
    for words in (["show", WALLET], ["list"], ["add", WALLET]):
        assert NO_TRADES in command("whales", *words).stdout.lower().replace("safe", "Safe"), words
    assert json.loads(command("whales", "show", WALLET, "--json").stdout)["api_total"] == 0


def test_a_wallet_with_trades_is_not_asked_about(
    command: CommandLine, exchange: Exchange, server: ExchangeServer
) -> None:
    exchange.add_trades(WALLET, [exchange.make_trade(WALLET)])
    command("sync", "whales")
    for words in (["show", WALLET], ["list"], ["add", WALLET]):
        shown = command("whales", *words).stdout
        assert "Safe" not in shown, words
