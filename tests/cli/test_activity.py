"""`activity`: the trades of the tracked wallets."""

import json
import signal
from datetime import timedelta

import pytest

from opinionscope.simulator import Exchange
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import NewTrade, insert_trades
from opinionscope.times import utc_now
from tests.cli.conftest import BEHIND, COMPLETE, Invoke, trade
from tests.cli.terminal import COLOURS, run_on_terminal
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
        (["--action", "buy"], 4),
        (["--action", "SELL"], 0),
        (["--tag", "VIP"], 2),
        (["--tag", "nobody"], 0),
        (["--orders"], 4),
        (["--orders", "--min-amount", "5.01"], 2),
    ],
    ids=lambda value: " ".join(value)[:24] if isinstance(value, list) else str(value),
)
def test_options_choose_the_trades(invoke: Invoke, options: list[str], count: int) -> None:
    invoke("whales", "tag", COMPLETE, "vip")
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
        ["--action", "hold"],
        ["--follow", "--json"],
        ["--follow", "--csv"],
    ],
    ids=" ".join,
)
def test_a_bad_option_is_wrong_usage(invoke: Invoke, options: list[str]) -> None:
    assert invoke("activity", *options).exit_code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--whale", BEHIND, "--since", "1s"], "No trade matches --since 1s.\n"),
        (["--action", "sell", "--market", "2"], "No trade matches --market 2 or --action sell.\n"),
        (
            ["--whale", BEHIND, "--tag", "vip"],
            f"No trade matches --whale {BEHIND} and --tag vip together, though each alone matches some.\n",
        ),
    ],
    ids=["one", "both", "together"],
)
def test_filters_that_match_nothing_are_named(invoke: Invoke, options: list[str], said: str) -> None:
    invoke("whales", "tag", COMPLETE, "vip")
    assert invoke("activity", *options).stdout == said


def test_a_limit_says_how_many_there_are(invoke: Invoke) -> None:
    assert invoke("activity", "--limit", "3").stdout.endswith("\n\n3 of 4 trades; use --limit to show more.\n")
    assert "--limit" not in invoke("activity", "--limit", "4").stdout


def test_fills_of_one_order_are_one_line_in_a_terminal(stored: CommandLine) -> None:
    minute = utc_now() - timedelta(hours=1)
    with Store.open(stored.database) as store, store.transaction() as transaction:
        trades = [trade(9 + n, minute + timedelta(seconds=n))._replace(market_external_id="7") for n in range(3)]
        fills = [replace_price(each, price) for each, price in zip(trades, (0.2, 0.3, 0.4), strict=True)]
        insert_trades(transaction, COMPLETE, fills, utc_now())

    orders = COLOURS.sub("", run_on_terminal(stored, "activity", "--whale", "ann", "--market", "7", width=100))
    fills_shown = COLOURS.sub("", run_on_terminal(stored, "activity", "--market", "7", "--fills", width=100))
    (document,) = json.loads(stored("activity", "--market", "7", "--orders", "--json").stdout)

    assert len(orders.splitlines()) == 3
    assert "×3 0.300" in orders
    assert len(fills_shown.splitlines()) == 5
    assert (document["fills"], document["shares"], document["amount"]) == (3, 30.0, 9.0)
    assert document["price"] == pytest.approx(0.3)
    assert document["first_fill_at"] < document["last_fill_at"]


def replace_price(of: NewTrade, price: float) -> NewTrade:
    return of._replace(price=price, amount=price * of.shares)


def test_followed_trades_are_printed_as_they_are_stored(stored: CommandLine) -> None:
    process = stored.start("activity", "--follow", "--jsonl", "--min-amount", "100", "--limit", "1")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    with Store.open(stored.database) as store, store.transaction() as transaction:
        now = utc_now()
        history = trade(77, now - timedelta(days=3))
        insert_trades(transaction, COMPLETE, [history, trade(78, now, amount=99), trade(79, now)], now)
    second = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)

    assert first["amount"] == 1234.5
    assert second["tx_hash"] == f"0x{79:064x}"
    assert (process.returncode, rest, errors) == (0, "", "")


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


def test_large_orders_that_were_not_all_looked_for_are_not_denied(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opinionscope.cli.listed_activity._FILLS_PER_ORDER", 1)
    words = ("activity", "--orders", "--min-amount", "1000000", "--limit", "2")
    assert invoke(*words).stdout == "0 orders among the latest 2 trades; use --limit to look further back.\n"
    assert "0 orders among the latest 2 trades" in invoke(*words, "--jsonl").stderr
    monkeypatch.setattr("opinionscope.cli.listed_activity._MOST_FILLS", 2)
    assert "use --fills to look further back" in invoke(*words).stdout
    monkeypatch.undo()
    assert invoke(*words).stdout == "No order matches --min-amount 1000000.\n"
    assert invoke(*words, "--jsonl").stderr == ""
