"""`activity`: the trades of the tracked wallets."""

import json

import pytest

from opinionscope.simulator import Exchange
from tests.cli.conftest import BEHIND, COMPLETE, Invoke
from tests.conftest import CommandLine, Trading


def test_json_has_the_public_columns_alone(stored: CommandLine) -> None:
    trades = json.loads(stored("activity", "--json").stdout)

    assert len(trades) == 4
    assert not {"fingerprint", "copy"} & set(trades[0])
    assert {"id", "whale_address", "platform", "tx_hash", "amount", "timestamp", "first_seen_at"} < set(trades[0])
    assert trades[0]["timestamp"] >= trades[-1]["timestamp"]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--whale", COMPLETE], 2),
        (["--whale", COMPLETE.upper().replace("0X", "0x")], 2),
        (["--whale", "0x" + "0" * 40], 0),
        (["--market", "1"], 4),
        (["--market", "2"], 0),
        (["--min-amount", "5"], 4),
        (["--min-amount", "5.01"], 2),
        (["--since", "24h"], 2),
        (["--limit", "3"], 3),
    ],
    ids=lambda value: " ".join(value)[:24] if isinstance(value, list) else str(value),
)
def test_options_choose_the_trades(invoke: Invoke, options: list[str], count: int) -> None:
    assert len(json.loads(invoke("activity", "--json", *options).stdout)) == count


def test_a_table_names_the_whale_and_shortens_its_address(invoke: Invoke) -> None:
    row = invoke("activity", "--whale", COMPLETE, "--limit", "1").stdout.splitlines()[1]

    assert row.split()[:2][1].count(":") == 2
    for shown in ("4 min ago", "Ann", "0xaaaa…aaaa", "BUY", "0.421", "1,234.50", "Will it rain?"):
        assert shown in row
    assert COMPLETE not in row


@pytest.mark.parametrize(
    "options", [["--whale", "0x12"], ["--min-amount", "-1"], ["--min-amount", "much"], ["--since", "x"]], ids=" ".join
)
def test_a_bad_option_is_wrong_usage(invoke: Invoke, options: list[str]) -> None:
    assert invoke("activity", *options).exit_code == 2


def test_a_wallet_without_trades_is_said_in_words(invoke: Invoke) -> None:
    assert invoke("activity", "--whale", BEHIND, "--since", "1s").stdout == "No trades match these filters.\n"


def test_the_trades_of_a_categorical_market_are_found_before_it_was_ever_synced(
    command: CommandLine, trading: Trading
) -> None:
    exchange = Exchange(seed=4, markets=3, wallets=0, trades_per_minute=0, market_churn_per_minute=0)
    wallet = "0x" + "7" * 40
    exchange.add_wallet(wallet)
    exchange.add_trades(wallet, [exchange.make_trade(wallet, market_id=26356, root_market_id=1277)])
    trading(exchange)
    command("whales", "add", wallet)
    command("sync", "whales")
    for market, count in (("1277", 1), ("26356", 1), ("1278", 0)):
        assert len(json.loads(command("activity", "--market", market, "--json").stdout)) == count
