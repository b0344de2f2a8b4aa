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
        (["--market", "topic:1"], 0),
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
    row = invoke("activity", "--whale", COMPLETE, "--limit", "1").stdout.splitlines()[2]

    assert row.split()[:2][1].count(":") == 2
    for shown in ("4 min", "Ann", "0xaaaa…aaaa", "BUY", "0.421", "1,234.50", "Will it rain?"):
        assert shown in row
    assert COMPLETE not in row


@pytest.mark.parametrize(
    "options",
    [
        ["--whale", "0x12"],
        ["--market", "0"],
        ["--market", "topic:"],
        ["--market", "x"],
        ["--min-amount", "-1"],
        ["--min-amount", "much"],
        ["--since", "x"],
    ],
    ids=" ".join,
)
def test_a_bad_option_is_wrong_usage(invoke: Invoke, options: list[str]) -> None:
    assert invoke("activity", *options).exit_code == 2


def test_a_wallet_without_trades_is_said_in_words(invoke: Invoke) -> None:
    assert invoke("activity", "--whale", BEHIND, "--since", "1s").stdout == "No trades match these filters.\n"


@pytest.mark.parametrize("synced", [True, False])
def test_a_topic_and_a_market_of_one_number_have_their_own_trades(
    command: CommandLine, trading: Trading, synced: bool
) -> None:
    exchange = Exchange(seed=4, markets=9, wallets=0, trades_per_minute=0, market_churn_per_minute=0)
    topic = next(market for market in exchange.markets() if market["marketType"] == 1)
    child = topic["childMarkets"][0]["marketId"]
    twin = topic["marketId"]
    assert twin in {market["marketId"] for market in exchange.markets() if market["marketType"] == 0}
    wallet = "0x" + "7" * 40
    exchange.add_wallet(wallet)
    exchange.add_trades(wallet, [exchange.make_trade(wallet, market_id=child)] * 2)
    exchange.add_trades(wallet, [exchange.make_trade(wallet, market_id=twin)] * 3)
    trading(exchange)
    command("whales", "add", wallet)
    command("sync", "whales")
    if synced:
        command("sync", "markets")

    def trades(market: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(command("activity", "--market", market, "--json").stdout)
        return found

    assert [trade["market_external_id"] for trade in trades(f"topic:{twin}")] == [str(child)] * 2
    assert [trade["market_external_id"] for trade in trades(str(twin))] == [str(twin)] * 3
    assert len(trades(str(child))) == 2
    assert trades(f"topic:{child}") == []
