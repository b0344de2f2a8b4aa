"""A wallet whose newest page comes as it came before: polled at one request, and blind to nothing."""

import time

from opinionscope.simulator import Exchange
from tests.conftest import CommandLine, Trading
from tests.end_to_end.truth import assert_trades_are_exact

DAY = 86_400


def synced_wallet(command: CommandLine, trading: Trading, history: int) -> tuple[Exchange, str]:
    """A wallet that is complete, and whose newest page has been seen unchanged."""
    exchange = Exchange(seed=3, markets=5, wallets=1, history=history, trades_per_minute=0, market_churn_per_minute=0)
    trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
    command("whales", "add", *exchange.wallets)
    for _ in range(2):
        assert command("sync", "whales").returncode == 0
    assert command.last_run("whales")["request_count"] == 1
    return exchange, exchange.wallets[0]


def test_a_wallet_with_nothing_new_is_noted_as_polled_and_stays_complete(
    command: CommandLine, trading: Trading
) -> None:
    exchange, _ = synced_wallet(command, trading, history=45)
    before = command.query("SELECT last_polled_at, last_synced_at FROM whales")

    assert command("sync", "whales").returncode == 0

    assert command.query("SELECT last_polled_at, last_synced_at FROM whales") > before
    assert command.query("SELECT last_error FROM whales") == [(None,)]
    assert_trades_are_exact(command, exchange)


def test_a_fill_that_shows_up_late_far_below_an_unchanged_page_is_found(command: CommandLine, trading: Trading) -> None:
    exchange, wallet = synced_wallet(command, trading, history=45)
    oldest = min(trade.created_at for trade in exchange.visible_trades(wallet))

    exchange.add_trades(wallet, [exchange.make_trade(wallet, created_at=oldest + 1)])
    assert command("sync", "whales").returncode == 0

    assert command.last_run("whales")["item_count"] == 1
    assert_trades_are_exact(command, exchange)


def test_a_new_trade_is_found_after_a_purge_and_after_the_wallet_was_away(
    command: CommandLine, trading: Trading
) -> None:
    exchange, wallet = synced_wallet(command, trading, history=5)
    assert command("cleanup", "--retention-days", "1").returncode == 0
    assert command("whales", "remove", wallet).returncode == 0
    exchange.add_trades(wallet, [exchange.make_trade(wallet, created_at=int(time.time()))])
    assert command("whales", "add", wallet).returncode == 0

    assert command("sync", "whales").returncode == 0

    assert command.last_run("whales")["item_count"] == 1
    assert command.query("SELECT known_trades, api_total FROM whales") == [(6, 6)]
