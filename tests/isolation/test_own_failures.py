"""What only one wallet or one market does, in storing or in its time, is noted with it and told under --verbose."""

import json
import sqlite3
from contextlib import closing

from tests.conftest import CommandLine
from tests.end_to_end.truth import assert_trades_are_exact, stored_markets, stored_trades, true_markets
from tests.isolation.conftest import Misbehaving
from tests.isolation.misbehaving import always, raw, wire

KEY = "a-key-of-the-tests"
YEAR_9999 = 253_370_764_800


def refuse(command: CommandLine, table: str, condition: str) -> None:
    """Have the database take no row of a table that meets the condition."""
    with closing(sqlite3.connect(command.database)) as connection, connection:
        connection.execute(
            f"CREATE TRIGGER refusal BEFORE INSERT ON {table} WHEN {condition} "
            "BEGIN SELECT RAISE(ABORT, 'this row is refused'); END"
        )


def test_a_trade_that_the_database_does_not_take_is_its_wallet_s_failure(
    command: CommandLine, misbehaving: Misbehaving
) -> None:
    exchange, _ = misbehaving(20)
    bad, *others = exchange.wallets
    refuse(command, "whale_activity", f"NEW.whale_address = '{bad}'")

    result = command("sync", "whales", "--verbose")

    assert (result.returncode, command.last_run("whales")["status"]) == (1, "partial")
    assert f"{bad} failed\nTraceback" in result.stderr
    assert_trades_are_exact(command, exchange, others)
    (error,) = command.query("SELECT last_error FROM whales WHERE address = ?", (bad,))[0]
    assert "this row is refused" in error
    assert bad in command.last_run("whales")["error"]
    assert "Traceback" not in command("sync", "whales").stderr


def test_a_market_that_the_database_does_not_take_is_that_market_s_failure(
    command: CommandLine, misbehaving: Misbehaving
) -> None:
    exchange, _ = misbehaving(0)
    bad = next(str(market["marketId"]) for market in exchange.markets() if not market["childMarkets"])
    command("whales", "list")
    command("stats")
    refuse(command, "markets", f"NEW.external_id = '{bad}'")

    result = command("sync", "markets", "--verbose")

    run = command.last_run("markets")
    assert (result.returncode, run["status"], run["failed_count"]) == (1, "partial", 1)
    assert run["error"].startswith(f"market {bad}: ")
    assert "Traceback" in result.stderr
    assert {row[0] for row in (true_markets(exchange) - stored_markets(command))} == {bad}


def test_a_trade_of_the_far_future_counts_nowhere_and_is_told(command: CommandLine, misbehaving: Misbehaving) -> None:
    exchange, _ = misbehaving(3)
    bad, early, other = exchange.wallets
    true = stored_trades(command, bad)
    exchange.add_trades(bad, [exchange.make_trade(bad, created_at=YEAR_9999, visible_at=0, amount="900000.0")])
    ahead = int(exchange.clock()) + 3_600
    exchange.add_trades(early, [exchange.make_trade(early, created_at=ahead, visible_at=0)])

    assert command("sync", "whales").returncode == 1
    command("stats")

    assert_trades_are_exact(command, exchange, [early, other])
    assert stored_trades(command, bad).total() == 22
    assert true.total() == 0
    assert "9999" not in command("activity", "--json").stdout
    (volumes,) = command.query("SELECT volume_24h, volume_30d, total_volume FROM whales WHERE address = ?", (bad,))
    assert max(volumes) < 900_000
    (error,) = command.query("SELECT last_error FROM whales WHERE address = ?", (bad,))[0]
    assert error.endswith("is in the future")


def test_what_is_told_of_a_run_is_bounded(command: CommandLine, misbehaving: Misbehaving) -> None:
    exchange, server = misbehaving(6)
    entries = json.dumps([{"txHash": "0x" + "f" * 5_000, "marketId": []}] * 900)
    body = f'{{"errno":0,"result":{{"total":900,"list":{entries}}}}}'.encode()
    server.bent = dict.fromkeys(exchange.wallets, always(raw(body)))
    assert command("sync", "whales", OPINIONSCOPE_RUN_BUDGET="4").returncode == 1
    errors = command.query("SELECT last_error FROM whales WHERE last_error IS NOT NULL")
    assert 0 < max(len(error) for (error,) in errors) <= 1_000
    assert len(command.last_run("whales")["error"]) <= 3_000


def test_a_traceback_does_not_show_a_key_that_an_answer_echoes(command: CommandLine, misbehaving: Misbehaving) -> None:
    exchange, server = misbehaving(6)
    key = KEY.encode()
    answers = (
        wire(b"HTTP/1.1 " + key + b"\r\n\r\n", closes=True),
        wire(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + key + b"\r\n", closes=True),
        raw(b"{}", (b"Location", b"/\xff" + key), status=b"302 Found"),
        raw(b"{}", (b"Content-Encoding", key), (b"Date", key), (b"Retry-After", key)),
        raw(b"{}", (b"Content-Length", key), (b"Set-Cookie", b"a=b; expires=" + key), closes=True),
        raw(b'{"errno":"' + key + b'","errmsg":"' + key + b'"}'),
    )
    server.bent = {wallet: always(answer) for wallet, answer in zip(exchange.wallets, answers, strict=True)}
    result = command("sync", "whales", "--verbose")
    assert result.stderr.count("Traceback") >= len(answers)
    assert KEY not in result.stdout + result.stderr
    assert not any(KEY in str(row) for row in command.query("SELECT last_error FROM whales"))
